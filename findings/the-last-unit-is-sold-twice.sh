#!/usr/bin/env bash
# flexcommerce-inventory sells its last unit to two orders when a payment is late, and a returned unit that nobody has is for sale again.
#
# Version    PyPI flexcommerce-inventory 1.0.0 (with flexcommerce-core 1.0.0, Django 5.2.19, djangorestframework 3.18.3, SQLite)
# Guess      "the last unit can never be sold twice" (its documents); to reserve the same order's lines again holds them once; a cancelled
#            order is not sold, and stock on hand is what its list of movements adds up to
# Seen       one unit: A reserves it, A's hold expires, B reserves it, then both pay     on hand 0, sold 2, each confirm_order gives 1
#                      B, who gets none, is refunded and return_to_stock is called       available 1, movements +1 -1 -1 +1: a third buyer
#            five units: reserve_lines twice for one order of one unit, confirm_order    sold 2, on hand 3, for a repeated checkout
#                      release_order for a cancelled order, then confirm_order           sold 1, as for a hold that expired
#            No error and no signal says that a unit is short: on hand is cut off at 0. confirm_order twice sells once, as documented.
# So         the second buyer of a late payment is told that all is well, and a payment event that comes again after a cancellation takes
#            a unit. Ask `available` before confirm_order for a hold that is no longer pending, reserve by order once, and compare `sold` with
#            the orders each night.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check flexcommerce-inventory==1.0.0 flexcommerce-core==1.0.0 Django==5.2.19 \
  djangorestframework==3.18.3
mkdir shop
touch shop/__init__.py
cat >shop/models.py <<'PY'
import uuid

from django.db import models


class Course(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
PY
cat >sell.py <<'PY'
import datetime

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "flexcommerce_core", "flexcommerce_inventory", "shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()
from django.core.management import call_command
from django.utils import timezone

call_command("migrate", run_syncdb=True, verbosity=0)
from flexcommerce_inventory import services
from flexcommerce_inventory.models import InventoryItem, StockReservation
from shop.models import Course


def stock(units):
    course = Course.objects.create()
    item = InventoryItem.get_for_product(course)
    item.restock(units)
    return course, item


def tell(label, item):
    item.refresh_from_db()
    moved = list(item.movements.order_by("created_at").values_list("quantity", flat=True))
    print(f"{label}: available {item.available}, on hand {item.on_hand}, reserved {item.reserved}, sold {item.sold}, movements {moved}")


course, item = stock(1)
services.reserve_lines([(course, 1)], "A")
StockReservation.objects.filter(order_ref="A").update(expires_at=timezone.now() - datetime.timedelta(minutes=1))
print("holds that expired", services.release_expired())
services.reserve_lines([(course, 1)], "B")
print("confirmed", services.confirm_order("A"), services.confirm_order("B"))
tell("one unit, two paid", item)
services.return_to_stock(course, 1, reference="B")
tell("one of them refunded", item)

course, item = stock(5)
services.reserve_lines([(course, 1)], "C")
services.reserve_lines([(course, 1)], "C")
print("confirmed", services.confirm_order("C"), services.confirm_order("C"))
tell("a checkout that was repeated", item)

course, item = stock(5)
services.reserve_lines([(course, 1)], "D")
print("released", services.release_order("D"), "confirmed", services.confirm_order("D"))
tell("a cancelled order", item)
PY
seen=$(python/bin/python sell.py)
echo "$seen"
[[ "$seen" == "holds that expired {'released': 1}
confirmed 1 1
one unit, two paid: available 0, on hand 0, reserved 0, sold 2, movements [1, -1, -1]
one of them refunded: available 1, on hand 1, reserved 0, sold 2, movements [1, -1, -1, 1]
confirmed 2 0
a checkout that was repeated: available 3, on hand 3, reserved 0, sold 2, movements [5, -1, -1]
released 1 confirmed 1
a cancelled order: available 4, on hand 4, reserved 0, sold 1, movements [5, -1]" ]] || { echo "The behaviour has changed." >&2; exit 1; }
