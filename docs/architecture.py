"""Draws docs/architecture.svg from template.yaml: what there is, what starts it, and how much of it runs at once.

Boxes, arrows and figures are the template's; only the places are chosen here. A function, queue or route without a place
is an error, so the picture can't fall behind.

    python docs/architecture.py           writes docs/architecture.svg
    python docs/architecture.py --check   fails when the committed picture is not what the template says
"""

import pathlib
import sys
from html import escape

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "contract"))

from template import budget  # noqa: E402
from template.model import load, queues_in, target  # noqa: E402

PICTURE = ROOT / "docs" / "architecture.svg"
COLUMN, ROW, BOX, TALL, LEFT, TOP = 206, 88, 188, 56, 24, 60
# Column and row of everything that is drawn.
PLACES = {
    "POST /payments/webhooks/razorpay": (0, 0),
    "POST /payments/webhooks/stripe": (2, 0),
    "POST /payments/confirmations": (1, 0),
    "receive-payment": (0.5, 1),
    "purchase-confirmed": (0.5, 2),
    "create-purchase": (0.5, 3),
    "purchase-created-allocation": (0, 4),
    "allocate-trainer": (0, 5),
    "admin service": (1, 5),
    "trainer-allocated-sessions": (0, 6),
    "trainer-allocated-cache": (1, 6),
    "schedule-sessions": (0, 7),
    "purchase-created-cache": (2, 6),
    "sessions-generated-cache": (1, 8),
    "invalidate-cache": (2, 8),
    "Redis": (2, 9),
    "top-up-sessions": (0, 9),
    "POST /order-intents": (3, 0),
    "POST /payments/verify": (4, 0),
    "GET /orders/status": (5, 0),
    "create-order-intent": (3, 1),
    "verify-payment": (4, 1),
    "order-status": (5, 1),
    "eSewa, Khalti": (3, 2),
    "jobs": (4, 2),
    "finalize-order": (4, 3),
    "order-confirmed": (4, 4),
    "the shop's own consumers": (4, 5),
    "dead letters": (3, 6.6),
    "park-dead-letters": (3, 7.6),
    "schedules": (4, 6.6),
    "sweep": (4, 7.6),
    "schedules-dlq": (5, 6.6),
    "GET /admin": (5, 2),
    "admin": (5, 3),
    "GET /admin/login": (5, 4),
    "console-login": (5, 5),
    "migrate": (5, 7.6),
    "database": (0, 10.2),
}
# A function that sends to more queues than this says so in its box, in place of arrows over the whole picture.
ARROWS = 3
STYLE = """
  svg { font: 11.5px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; --ink: #1b2733; --soft: #5b6b7b; --line: #90a0b0;
    --paper: #ffffff; --function: #e8f0fb; --function-line: #3b6fb5; --queue: #fdf3dd; --queue-line: #b07d12;
    --outside: #f2f2f2; --outside-line: #9a9a9a; --data: #e6f4ea; --data-line: #2f7d4a; }
  @media (prefers-color-scheme: dark) { svg { --ink: #e6edf3; --soft: #9fb0c0; --line: #6b7b8b; --paper: #0d1117;
    --function: #14253d; --function-line: #5f95dd; --queue: #33280d; --queue-line: #d0a040; --outside: #21262d;
    --outside-line: #6e7681; --data: #12301d; --data-line: #4caf74; } }
  .paper { fill: var(--paper); } text { fill: var(--ink); text-anchor: middle; } .name { font-weight: 600; }
  .path { font-size: 10px; } .soft { fill: var(--soft); font-size: 10.5px; } .title { font-size: 15px; font-weight: 600; text-anchor: start; }
  .arrow { fill: none; stroke: var(--line); stroke-width: 1.3; } .head { fill: var(--line); }
  .function { fill: var(--function); stroke: var(--function-line); } .queue { fill: var(--queue); stroke: var(--queue-line); }
  .outside { fill: var(--outside); stroke: var(--outside-line); stroke-dasharray: 4 3; }
  .data { fill: var(--data); stroke: var(--data-line); }
"""


class Picture:
    """Boxes and arrows, collected; `svg` puts them together."""

    def __init__(self):
        self.boxes, self.arrows = {}, []

    def box(self, name, kind, *lines, width=BOX):
        if name not in PLACES:
            sys.exit(f"{name} has no place in the picture; give it one in docs/architecture.py")
        self.boxes[name] = (kind, [name, *lines], width)

    def arrow(self, start, end):
        if (start, end) not in self.arrows:
            self.arrows.append((start, end))

    def corner(self, name):
        column, row = PLACES[name]
        return LEFT + column * COLUMN, TOP + row * ROW

    def draw_box(self, name):
        kind, lines, width = self.boxes[name]
        x, y = self.corner(name)
        corner = 18 if kind == "queue" else 5
        texts = [
            f'<text x="{x + width / 2:g}" y="{y + TALL / 2 + 4 + 15 * (i - (len(lines) - 1) / 2):g}" '
            f'class="{style(line) if i == 0 else "soft"}">{escape(line)}</text>'
            for i, line in enumerate(lines)
        ]
        return f'<rect x="{x:g}" y="{y:g}" width="{width}" height="{TALL}" rx="{corner}" class="{kind}"/>' + "".join(texts)

    def draw_arrow(self, start, end):
        (ax, ay), (bx, by) = self.corner(start), self.corner(end)
        if by > ay + TALL:
            ax, ay, bx = ax + BOX / 2, ay + TALL, bx + BOX / 2
            bend = f"C{ax:g},{ay + 20:g} {bx:g},{by - 24:g} {bx:g},{by - 5:g}"
        elif ay > by + TALL:
            ax, bx, by = ax + BOX / 2, bx + BOX / 2, by + TALL
            bend = f"C{ax:g},{ay - 20:g} {bx:g},{by + 24:g} {bx:g},{by + 5:g}"
        else:
            ax, ay, by = (ax + BOX if bx > ax else ax), ay + TALL / 2, by + TALL / 2
            bx = bx - 5 if bx > ax else bx + BOX + 5
            bend = f"L{bx:g},{by:g}"
        return f'<path d="M{ax:g},{ay:g} {bend}" class="arrow" marker-end="url(#head)"/>'

    def svg(self, title):
        width = LEFT * 2 + 6 * COLUMN - (COLUMN - BOX)
        height = int(TOP + max(PLACES[name][1] for name in self.boxes) * ROW + TALL + LEFT)
        marker = '<marker id="head" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" class="head"/></marker>'
        parts = [self.draw_arrow(*arrow) for arrow in self.arrows] + [self.draw_box(name) for name in self.boxes]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="title">',
                f'<title id="title">{escape(title)}</title>',
                f"<style>{STYLE}</style><defs>{marker}</defs>",
                f'<rect class="paper" width="{width}" height="{height}"/>',
                f'<text x="{LEFT}" y="34" class="title">{escape(title)}</text>',
                *parts,
                "</svg>\n",
            ]
        )


def style(name):
    """Paths are long, so they are set smaller."""
    return "path" if "/" in name else "name"


def queue_name(queue):
    return queue["QueueName"]["Fn::Sub"].removeprefix("${AWS::StackName}-")


def add_queues(template, picture):
    """Each queue with its consumer; dead-letter queues are one box."""
    queues, dead = template.of("AWS::SQS::Queue"), 0
    for logical_id, queue in queues.items():
        name = queue_name(queue)
        consumers = [m for m in template.of("AWS::Lambda::EventSourceMapping").values() if target(m["EventSourceArn"]) == logical_id]
        if name.endswith("-dlq") and consumers:
            dead += 1
            continue
        if not consumers:
            told = ["what could not be started"] if name.endswith("-dlq") else ["read by others"]
        else:
            (mapping,) = consumers
            told = [f"up to {mapping['BatchSize']} at a time, {queue['RedrivePolicy']['maxReceiveCount']} receives"]
            picture.arrow(name, template.name_of(mapping["FunctionName"]["Ref"]))
        picture.box(name, "queue", *told)
    picture.box("dead letters", "queue", f"{dead} queues, kept 14 days")
    picture.arrow("dead letters", "park-dead-letters")


def add_functions(template, picture):
    queues = template.of("AWS::SQS::Queue")
    for name, function in template.functions().items():
        pool = budget.pool_of(function)
        told = [f"{function['ReservedConcurrentExecutions']} at once" + (f" × {pool} connection{'s' * (pool > 1)}" if pool else "")]
        variables = function.get("Environment", {}).get("Variables", {})
        sent = {queue_name(queues[q]) for variable, value in variables.items() if "QUEUE_URL" in variable for q in queues_in(value)}
        sent = {queue for queue in sent if not queue.endswith("-dlq")}
        if len(sent) > ARROWS:
            told.append(f"sends again to {len(sent)} queues")
        else:
            for queue in sorted(sent):
                picture.arrow(name, queue)
        if name == "top-up-sessions":
            (event,) = function["Events"].values()
            told.append("every " + event["Properties"]["ScheduleExpression"].removeprefix("rate(").rstrip(")"))
        picture.box(name, "function", *told)
        add_outside(picture, name, variables)


def add_outside(picture, name, variables):
    """What a function talks to outside the stack, by the variables that it has."""
    for variable, outside in [("ADMIN_SERVICE_URL", "admin service"), ("REDIS_URL", "Redis"), ("KHALTI_BASE_URL", "eSewa, Khalti")]:
        if variable in variables and name != "sweep":
            picture.arrow(name, outside)


def add_routes(template, picture):
    integrations = template.of("AWS::ApiGatewayV2::Integration")
    for route in template.of("AWS::ApiGatewayV2::Route").values():
        key = route["RouteKey"]
        if "/admin" in key:
            key = "GET /admin" if "proxy" in key else "GET /admin/login"
        integration = integrations[route["Target"]["Fn::Sub"].split("${")[1].rstrip("}")]["IntegrationUri"]
        function = template.name_of(integration.get("Ref") or target(integration))
        who = "with a buyer's token" if route.get("AuthorizationType") == "JWT" else "open"
        picture.box(key, "outside", "operators, after their login" if key == "GET /admin" else who)
        picture.arrow(key, function)


def add_schedules(template, picture):
    # Those of both pipelines are SAM's events, those of a shop resources of their own.
    sweeps = [event["Properties"] for event in template.functions()["sweep"]["Events"].values()]
    every = {}
    for schedule in [*sweeps, *template.of("AWS::Scheduler::Schedule").values()]:
        rate = schedule["ScheduleExpression"].removeprefix("rate(").rstrip(")")
        every[rate] = every.get(rate, 0) + 1
    picture.box("schedules", "outside", *(f"{count} sweeps every {rate}" for rate, count in every.items()))
    picture.arrow("schedules", "sweep")
    picture.arrow("schedules", "schedules-dlq")


def add_the_rest(template, picture):
    picture.box("admin service", "outside", "names a free trainer")
    picture.box("Redis", "data", "given, or ElastiCache Serverless")
    picture.box("eSewa, Khalti", "outside", "asked server to server")
    picture.box("the shop's own consumers", "outside", "such as its mailer")
    picture.arrow("order-confirmed", "the shop's own consumers")
    taken, lent = sum(budget.shares(template).values()), budget.limit(template)
    width = 6 * COLUMN - (COLUMN - BOX)
    told = f"every function but invalidate-cache; migrate past the proxy. Together at most {taken} of the {lent} connections that it lends"
    picture.box("database", "data", told, width=width)
    picture.boxes["database"][1][0] = "RDS Proxy → Aurora PostgreSQL: the truth"


def draw():
    template, picture = load(), Picture()
    add_routes(template, picture)
    add_functions(template, picture)
    add_queues(template, picture)
    add_schedules(template, picture)
    add_the_rest(template, picture)
    return picture.svg("Makegood on AWS: payments to courses on the left, checkout to orders on the right")


def main():
    drawn = draw()
    if "--check" not in sys.argv:
        PICTURE.write_text(drawn)
    elif not PICTURE.exists() or PICTURE.read_text() != drawn:
        sys.exit("docs/architecture.svg is not what template.yaml says; run docs/architecture.py and look at it")


if __name__ == "__main__":
    main()
