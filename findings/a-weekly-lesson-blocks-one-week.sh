#!/usr/bin/env bash
# time-slots-finder offers the hours of a weekly event from its second week on, and those of an event of a whole day or with a DURATION.
#
# Versions   npm time-slots-finder 0.5.5 · npm ical2json 3.0.0 · npm dayjs 1.11.19 (Node 20)
# Guess      an event of the iCal data is busy time: each time that it recurs, all day long, and until DTSTART plus DURATION
# Seen       slots of an hour are asked for on Mondays 8 and 15 December 2036 from 16:00 to 18:00 in Kathmandu; busy from 16:00 is
#              DTSTART, DTEND                        8 December 16:00 is not offered
#              … RRULE:FREQ=WEEKLY;COUNT=5           8 December 16:00 is not offered, 15 December 16:00 IS OFFERED
#              … the same, begun on 1 December       BOTH ARE OFFERED
#              DTSTART;VALUE=DATE (the whole day)    BOTH HOURS OF THAT DAY ARE OFFERED
#              DTSTART, DURATION:PT1H                OFFERED
#              … STATUS:CANCELLED                    8 December 16:00 is not offered
#            Nothing is reported. With ical2json 3.2.0, which the range ^3.0.0 installs, iCal data of any kind is a TypeError.
# So         a weekly lesson is booked twice from its second week on. Expand the recurrences first and give plain events.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --prefix "$work" time-slots-finder@0.5.5 ical2json@3.0.0 dayjs@1.11.19 >/dev/null
cat >slots.js <<'JS'
const finder = require("time-slots-finder");

const offered = (title, ...lines) => {
  const event = ["BEGIN:VEVENT", "UID:lesson@example.com", "DTSTAMP:20361101T000000Z", ...lines, "END:VEVENT"];
  const calendar = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//shop//EN", ...event, "END:VCALENDAR", ""].join("\r\n");
  const slots = finder.getAvailableTimeSlotsInCalendar({
    calendarData: calendar,
    calendarFormat: finder.TimeSlotsFinderCalendarFormat.iCal,
    configuration: {
      timeSlotDuration: 60,
      slotStartMinuteStep: 30,
      availablePeriods: [{ isoWeekDay: 1, shifts: [{ startTime: "16:00", endTime: "18:00" }] }],
      timeZone: "Asia/Kathmandu",
    },
    from: new Date("2036-12-08T00:00:00+05:45"),
    to: new Date("2036-12-16T00:00:00+05:45"),
  });
  const local = (date) => new Date(date.getTime() + 345 * 60000).toISOString().slice(8, 16).replace("T", "-");
  console.log(title + ":", ...slots.map(({ startAt }) => local(startAt)));
};
const once = ["DTSTART:20361208T101500Z", "DTEND:20361208T111500Z"];
offered("elsewhere", "DTSTART:20361209T101500Z", "DTEND:20361209T111500Z");
offered("once", ...once);
offered("weekly", ...once, "RRULE:FREQ=WEEKLY;COUNT=5");
offered("weekly, begun before", "DTSTART:20361201T101500Z", "DTEND:20361201T111500Z", "RRULE:FREQ=WEEKLY;COUNT=5");
offered("whole day", "DTSTART;VALUE=DATE:20361208", "DTEND;VALUE=DATE:20361209");
offered("duration", "DTSTART:20361208T101500Z", "DURATION:PT1H");
offered("cancelled", ...once, "STATUS:CANCELLED");
JS
seen=$(TZ=UTC node slots.js)
echo "$seen"
[[ "$seen" == "elsewhere: 08-16:00 08-17:00 15-16:00 15-17:00
once: 08-17:00 15-16:00 15-17:00
weekly: 08-17:00 15-16:00 15-17:00
weekly, begun before: 08-16:00 08-17:00 15-16:00 15-17:00
whole day: 08-16:00 08-17:00 15-16:00 15-17:00
duration: 08-16:00 08-17:00 15-16:00 15-17:00
cancelled: 08-17:00 15-16:00 15-17:00" ]] || { echo "The behaviour has changed." >&2; exit 1; }
