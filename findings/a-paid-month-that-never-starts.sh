#!/usr/bin/env bash
# substate keeps a payment and forgets its month when the second of two writes fails, and each repeat is a duplicate.
#
# Version    PyPI substate 0.1.0
# Guess      a webhook "delivered twice, four seconds apart" counts once, as its documents say: a delivery that failed works when
#            it is repeated; who cancels keeps what was paid for, also after having changed their mind
# Seen       the store is away when the subscription is saved         an error; its repeat PaymentDuplicate, and EXPIRED
#            a payment that comes before `subscribe`                  PaymentUnmatched; its repeat PaymentDuplicate, EXPIRED
#            one payment twice at once, in a store that awaits        recorded and activated twice, for one month
#            two payments at once, in a store that awaits             recorded and activated twice, for one month
#            paid until 1 February, cancelled and subscribed again    EXPIRED on 2 January
#            The payment is saved first, then the subscription, and the protocol of a store has no transaction.
# So         a customer has paid and has no access, and the gateway's repeats don't bring it. Write a store that holds the user's
#            lock and one transaction over a whole call, and don't let a cancelled user subscribe again before `access_until`.
# Tried      2026-11-30
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check substate==0.1.0
cat >months.py <<'PY'
import asyncio

from substate import FrozenClock, MemoryStorage, Payment, Period, Plan, SubscriptionEngine


class AwayOnce(MemoryStorage):
    """Can't be reached when a subscription that was paid is saved for the first time."""

    is_away = False

    async def save_subscription(self, subscription):
        if self.is_away:
            self.is_away = False
            raise ConnectionError("the store is away")
        await super().save_subscription(subscription)


class Awaiting(MemoryStorage):
    """Lets others run before each answer, as a store behind a connection does."""

    async def get_subscription(self, user):
        await asyncio.sleep(0)
        return await super().get_subscription(user)

    async def get_payment(self, provider, identifier):
        await asyncio.sleep(0)
        return await super().get_payment(provider, identifier)

    async def save_payment(self, payment):
        await asyncio.sleep(0)
        await super().save_payment(payment)


def shop(store):
    engine = SubscriptionEngine(storage=store, clock=FrozenClock("2026-01-01"))
    engine.register_plan(Plan(id="monthly", price=1000, currency="INR", period=Period.months(1)))
    return engine


def payment(identifier):
    return Payment(provider="gateway", external_id=identifier, user_id="rai", amount=1000)


async def pay(engine, identifier):
    try:
        return " ".join(type(event).__name__ for event in await engine.apply_payment(payment(identifier)))
    except ConnectionError as error:
        return str(error)


async def tell(label, engine, *seen):
    subscription = await engine.get_subscription("rai")
    print(label, *seen, f"{subscription.state.name} until {subscription.access_until:%d %B}", sep="; ")


async def main():
    engine = shop(store := AwayOnce())
    await engine.subscribe("rai", "monthly")
    store.is_away = True
    await tell("away once", engine, await pay(engine, "1"), await pay(engine, "1"))

    engine = shop(MemoryStorage())
    first = await pay(engine, "1")
    await engine.subscribe("rai", "monthly")
    await tell("paid before subscribe", engine, first, await pay(engine, "1"))

    for label, identifiers in (("one payment twice at once", "11"), ("two payments at once", "12")):
        engine = shop(Awaiting())
        await engine.subscribe("rai", "monthly")
        await tell(label, engine, *await asyncio.gather(*(pay(engine, each) for each in identifiers)))

    clock = FrozenClock("2026-01-01")
    engine = SubscriptionEngine(storage=MemoryStorage(), clock=clock)
    engine.register_plan(Plan(id="monthly", price=1000, currency="INR", period=Period.months(1)))
    await engine.subscribe("rai", "monthly")
    await pay(engine, "1")
    clock.advance(days=1)
    await engine.cancel("rai")
    await tell("cancelled", engine)
    await engine.subscribe("rai", "monthly")
    await tell("subscribed again", engine)


asyncio.run(main())
PY
seen=$(python/bin/python months.py)
echo "$seen"
[[ "$seen" == "away once; the store is away; PaymentDuplicate; EXPIRED until 01 January
paid before subscribe; PaymentRecorded PaymentUnmatched; PaymentDuplicate; EXPIRED until 01 January
one payment twice at once; PaymentRecorded SubscriptionActivated; PaymentRecorded SubscriptionActivated; ACTIVE until 01 February
two payments at once; PaymentRecorded SubscriptionActivated; PaymentRecorded SubscriptionActivated; ACTIVE until 01 February
cancelled; CANCELLED until 01 February
subscribed again; EXPIRED until 02 January" ]] || { echo "The behaviour has changed." >&2; exit 1; }
