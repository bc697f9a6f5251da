"""What welcome.sh prints is typed, as it is printed, by a person who knows nothing else: another folder, an empty environment, plain
/bin/sh, and a client that resolves no special name. The console is opened up to its first page, through the login.

Needs deploy.sh. Run in the environment of env.sh.
"""

import html.parser
import http.cookiejar
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

STACK = pathlib.Path(os.environ["STACK_DIR"])
PATIENCE_SECONDS = 90


def expect(holds, otherwise):
    if not holds:
        sys.exit(f"✗ {otherwise}")


class Form(html.parser.HTMLParser):
    """The first form of a page: where it goes, and its fields."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = given["action"]
        elif tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")


def plain_client():
    """Follows redirects and keeps cookies; nothing else. No proxy of the machine's, which would not know the loopback."""
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)


def fetch(client, url, data=None):
    try:
        with client.open(url, data=data, timeout=60) as answer:
            return answer.status, answer.url, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, url, answer.read().decode()
    except urllib.error.URLError as error:
        return 0, url, str(error)


def check_console(url):
    client = plain_client()
    status, at, page = fetch(client, url)
    expect(status == 200 and "<form" in page, f"{url} leads to {at}, which answers {status} and no login: {page[:300]}")
    form = Form(page)
    pressed = urllib.parse.urlencode(form.fields).encode()
    status, at, page = fetch(client, urllib.parse.urljoin(at, form.action), pressed)
    expect(status == 200 and at == f"{url}/health" and "<h1>Health</h1>" in page, f"the login of {url} ends at {at} with {status}: {page[:300]}")
    style = re.search(r'rel="stylesheet" href="([^"]+)"', page)[1]
    status, _, _ = fetch(client, urllib.parse.urljoin(at, style))
    expect(status == 200, f"the console's style sheet answers {status}")


def type_in(commands, folder):
    """In one shell, as printed; its exit code, and what it said."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = subprocess.run(["/bin/sh"], input="\n".join(commands), env=environment, cwd=folder, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def until(command, done, folder, what):
    """Types it until this holds of its exit code and of what it says."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        code, said = type_in(command, folder)
        if done(code, said):
            return
        expect(time.monotonic() < end, f"after {PATIENCE_SECONDS} s {what} ({code}): {said}")
        time.sleep(1)


def check_payment(pay, setup, look, folder):
    (trace, doctor) = look
    for _ in range(2):  # pasted twice, a payment is delivered twice
        code, said = type_in(pay, folder)
        expect(code == 0 and '"status"' in said and "message" not in said, f"the printed payment was not taken ({code}): {said}")
    until([*setup, trace], lambda code, _: code == 0, folder, "something of the printed payment is missing")
    code, said = type_in([*setup, doctor], folder)
    expect(code == 0 and "holds" in said, f"the doctor did not look, or found something ({code}): {said}")
    # The queues are known too: whatever is parked has a place to go back to.
    code, said = type_in([*setup, "makegood dead-letters replay --all"], folder)
    expect(code in (0, 1) and "no queue is named" not in said, f"a dry run of the replay ({code}): {said}")


def check_fault(broken, cure, setup, folder):
    *cause, trace, dead_letters = broken
    replay, trace_again = cure
    expect(trace == trace_again, f"another payment is traced: {trace}, {trace_again}")
    code, said = type_in(cause, folder)
    expect(code == 0 and '"status":"recorded"' in said, f"the fault was not caused, or the payment was not taken ({code}): {said}")
    until([*setup, dead_letters], lambda code, said: code == 0 and "admin_service_refused" in said, folder, "the message is no dead letter")
    code, said = type_in([*setup, trace], folder)
    expect(code == 1, f"the trace misses nothing while the message is parked ({code}): {said}")
    code, said = type_in([*setup, replay], folder)
    expect(code == 0, f"the message was not sent back ({code}): {said}")
    until([*setup, trace], lambda code, _: code == 0, folder, "something of the payment is missing after the replay")


def main():
    printed = subprocess.run([STACK / "welcome.sh"], text=True, stdout=subprocess.PIPE, check=True).stdout
    parts = [[line[2:] for line in part.splitlines() if line.startswith("  ")] for part in printed.strip().split("\n\n")]
    expect(len(parts) == 5, f"one of these parts is not checked: {printed}")
    console, pay, look, broken, cure = parts
    expect(len(console) == 1, f"one address of the console should be printed: {printed}")
    check_console(console[0])
    setup, look = look[:1], look[1:]
    with tempfile.TemporaryDirectory() as folder:
        check_payment(pay, setup, look, pathlib.Path(folder))
        check_fault(broken, cure, setup, pathlib.Path(folder))
    print("✓ everything that is printed works as it is printed: the console, the payment, the command, the fault and its cure")


main()
