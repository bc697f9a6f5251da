#!/usr/bin/env bash
# A coupon for one use gives its discount to five buyers who are at the till together, and says that it was used once.
#
# Version    PyPI coupons 1.1.2 (Django 5.2.19, SQLite)
# Guess      a coupon with max_uses=1 is used once: the second use_coupon is refused, and counts are added up in the database; a price that
#            is a Decimal stays one, in cents; a discount of 12.50 is 12.50
# Seen       five buyers, validated and then used, each with the coupon as its request loaded it
#                                   all five are valid, no use_coupon fails, and times_used is 1
#            one buyer twice        the coupon was used 1 time, by that buyer 2 times, of uses_per_user=1
#            33 % of 19.99          Decimal('13.3933')
#            20 off 9.99            0.0, a float: the next sum with a Decimal is a TypeError
#            12.50 off, or 12.5 %   12 after the first save, without an error
#            a sixth buyer          "Coupon uses exceeded for this user!", who never used it
# So         a campaign costs a multiple of what it may. Count a use with one conditional UPDATE before the payment, give it back when the
#            payment fails, and round the price.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check coupons==1.1.2 Django==5.2.19
cat >till.py <<'PY'
from datetime import timedelta
from decimal import Decimal

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "coupons"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()

from coupons.models import AllowedUsersRule, Coupon, CouponUser, Discount, MaxUsesRule, Ruleset, ValidityRule
from coupons.validations import validate_coupon
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone

call_command("migrate", verbosity=0)


def coupon(code, max_uses, value, is_percentage):
    rules = Ruleset.objects.create(
        allowed_users=AllowedUsersRule.objects.create(all_users=True),
        max_uses=MaxUsesRule.objects.create(max_uses=max_uses, uses_per_user=1),
        validity=ValidityRule.objects.create(expiration_date=timezone.now() + timedelta(days=1), is_active=True),
    )
    Coupon.objects.create(code=code, discount=Discount.objects.create(value=value, is_percentage=is_percentage), ruleset=rules)
    return Coupon.objects.get(code=code)


buyers = [User.objects.create(username=f"buyer{number}") for number in range(6)]
coupon("ONCE", 1, 10, True)
requests = [(Coupon.objects.get(code="ONCE"), buyer) for buyer in buyers[:5]]
print("five buyers:", [validate_coupon("ONCE", buyer)["valid"] for _, buyer in requests])
for one, buyer in requests:
    one.use_coupon(buyer)
print("used by", CouponUser.objects.filter(coupon__code="ONCE", times_used=1).count(), "buyers, times_used", Coupon.objects.get(code="ONCE").times_used)
print("a sixth buyer:", validate_coupon("ONCE", buyers[5])["message"])

coupon("THRICE", 3, 10, True)
requests = [Coupon.objects.get(code="THRICE") for _ in range(2)]
for one in requests:
    one.use_coupon(buyers[0])
print("one buyer twice: coupon", Coupon.objects.get(code="THRICE").times_used, "buyer", CouponUser.objects.get(coupon__code="THRICE").times_used)

price = coupon("THIRD", 1, 33, True).get_discounted_value(Decimal("19.99"))
print("33 % of 19.99:", repr(price))
price = coupon("TWENTY", 1, 20, False).get_discounted_value(Decimal("9.99"))
print("20 off 9.99:", repr(price))
try:
    price + Decimal("4.90")
except TypeError as error:
    print("  with 4.90 for delivery:", type(error).__name__)
for is_percentage in (False, True):
    print("12.5", "%" if is_percentage else "off", "is", coupon(f"HALF{is_percentage}", 1, Decimal("12.50"), is_percentage).get_discount())
PY
seen=$(python/bin/python till.py)
echo "$seen"
[[ "$seen" == "five buyers: [True, True, True, True, True]
used by 5 buyers, times_used 1
a sixth buyer: Coupon uses exceeded for this user!
one buyer twice: coupon 1 buyer 2
33 % of 19.99: Decimal('13.3933')
20 off 9.99: 0.0
  with 4.90 for delivery: TypeError
12.5 off is {'value': 12, 'is_percentage': False}
12.5 % is {'value': 12, 'is_percentage': True}" ]] || { echo "The behaviour has changed." >&2; exit 1; }
