#!/usr/bin/env bash
# larzsubscription sells half a year for half a month's price and half a month for half a year's, and charges within a free trial.
#
# Version    PyPI larzsubscription 0.1.0
# Guess      `change_plan` gives the exact amount for the rest of the period, as documented, also between plans of different length; nothing
#            is charged or given back for a trial, which was free; a renewal that is told twice is charged once
# Seen       monthly 10.00, to yearly 100.00 in the middle of the month      charges 45.00 for 15 days, and 100.00 at the end of the month;
#                                                                            15 days of the year are 4.11, so -0.89 would be right
#            yearly 100.00, to monthly 10.00 after 182 days                  gives 45.12 back: the other 183 days cost 5 instead of 61
#            trial of a plan of 10.00, to one of 30.00 on its second day     charges 18.57, still trialing
#            trial of a plan of 30.00, to one of 10.00 on its second day     gives 18.57 back, of which nothing was paid
#            renew twice for one payment                                     30.00 billed, and a month more
#            renew after 73 days (two periods)                               charges 10.00, and has_access is False
#            Between two monthly plans the amount is right: it takes the new plan's price for one of the old plan's periods.
# So         a change from yearly to monthly is a discount that repeats, and a trial is a source of credit. Prorate each plan by its own
#            length, not at all in a trial, and keep renewals by the payment's id.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check larzsubscription==0.1.0
cat >plans.py <<'PY'
from datetime import datetime

from larzsubscription import Plan, Subscription

START = datetime(2026, 1, 1)
MONTHLY, BIG, YEARLY = Plan("monthly", "10.00"), Plan("big", "30.00"), Plan("yearly", "100.00", interval_days=365)


def trial(price):
    return Plan("trial", price, trial_days=14)


def changed(old, new, day):
    """A subscription whose plan changes, told in one line."""
    subscription = Subscription(old, start=START)
    net = subscription.change_plan(new, now=day)
    print(f"{old.name} {old.price} to {new.name} {new.price}: {net} on {day:%d %B}, {subscription.status}, until {subscription.period_end:%d %B %Y}, "
          f"billed {subscription.total_billed()}")
    return subscription


changed(MONTHLY, BIG, datetime(2026, 1, 16))
yearly = changed(MONTHLY, YEARLY, datetime(2026, 1, 16))
print("then", yearly.renew(now=yearly.period_end), "billed", yearly.total_billed())
changed(YEARLY, MONTHLY, datetime(2026, 7, 2))
changed(trial("10.00"), BIG, datetime(2026, 1, 2))
changed(trial("30.00"), MONTHLY, datetime(2026, 1, 2))
again = Subscription(MONTHLY, start=START)
print("renewed twice", again.renew(now=again.period_end), again.renew(now=datetime(2026, 1, 31)), "billed", again.total_billed(), "until", f"{again.period_end:%d %B}")
late = Subscription(MONTHLY, start=START)
print("renewed late", late.renew(now=datetime(2026, 3, 15)), "until", f"{late.period_end:%d %B}", "access", late.has_access(datetime(2026, 3, 15)))
PY
seen=$(python/bin/python plans.py)
echo "$seen"
[[ "$seen" == "monthly 10.00 to big 30.00: 10.00 on 16 January, active, until 31 January 2026, billed 20.00
monthly 10.00 to yearly 100.00: 45.00 on 16 January, active, until 31 January 2026, billed 55.00
then 100.00 billed 155.00
yearly 100.00 to monthly 10.00: -45.12 on 02 July, active, until 01 January 2027, billed 54.88
trial 10.00 to big 30.00: 18.57 on 02 January, trialing, until 15 January 2026, billed 18.57
trial 30.00 to monthly 10.00: -18.57 on 02 January, trialing, until 15 January 2026, billed -18.57
renewed twice 10.00 10.00 billed 30.00 until 01 April
renewed late 10.00 until 02 March access False" ]] || { echo "The behaviour has changed." >&2; exit 1; }
