"""docs/scale.md: its formula agrees with the simulation, its tables are those of the template, and so is the picture.

Run by make check with SAM's Python.
"""

import pathlib
import subprocess
import sys
import unittest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS / "scale"))

from cost import IDLE, NETWORKS, break_even, idle, network  # noqa: E402
from simulate import simulate  # noqa: E402
from stages import stages  # noqa: E402
from steady import steady  # noqa: E402
from template import throttles  # noqa: E402
from template.model import load  # noqa: E402

SHARES = [0.001, 0.01, 0.1, 0.3, 0.6, 0.9]
MESSAGES = 4000


class FormulaAndSimulation(unittest.TestCase):
    def compare(self, stage, tolerance):
        for share in SHARES:
            rate = share * stage.most_a_second
            counted = simulate(stage, rate, MESSAGES / rate + 2 * stage.window_ms / 1000)
            said = steady(stage, rate)
            played = {"batch": counted.messages / counted.invocations, "milliseconds a message": counted.busy_ms / counted.messages}
            expected = {"batch": said.batch, "milliseconds a message": stage.duration_ms(said.batch) / said.batch}
            for what, value in played.items():
                with self.subTest(stage=stage.name, rate=rate, what=what):
                    self.assertAlmostEqual(value / expected[what], 1, delta=tolerance)

    def test_stages_with_a_window_agree_closely(self):
        for stage in stages().values():
            if stage.window_ms:
                self.compare(stage, 0.06)

    def test_stages_without_a_window_agree_roughly(self):
        for stage in stages().values():
            if stage.is_queue and not stage.window_ms:
                self.compare(stage, 0.25)

    def test_past_its_most_a_stage_falls_behind_in_both(self):
        stage = stages()["allocate-trainer"]
        rate = 1.2 * stage.most_a_second
        counted = simulate(stage, rate, 30)
        self.assertTrue(steady(stage, rate).saturated)
        self.assertLess(counted.messages / 30, 1.02 * stage.most_a_second)


class Throttles(unittest.TestCase):
    def test_requests_last_as_long_here_as_there(self):
        for name in ["receive-payment", "create-order-intent", "verify-payment"]:
            with self.subTest(name):
                self.assertAlmostEqual(throttles.LASTS_MS[name], stages()[name].duration_ms(1), delta=5)


class WhileNothingHappens(unittest.TestCase):
    def test_a_small_stack_costs_at_most_a_hundred_dollars_a_month(self):
        for what in ["small, course", "small, shop", "small, both"]:
            with self.subTest(what):
                self.assertLessEqual(sum(idle(load(), IDLE[what]).values()), 100)

    def test_what_is_not_chosen_costs_nothing(self):
        """What one pipeline alone has, and both together have, is paid once: no part of a choice is more than with both, and what only one has is gone."""
        for scale in ["small", "full"]:
            course, shop, both = (idle(load(), IDLE[f"{scale}, {choice}"]) for choice in ["course", "shop", "both"])
            for part in both:
                with self.subTest(scale=scale, part=part):
                    self.assertLessEqual(max(course[part], shop[part]), both[part])
            self.assertEqual(shop["ElastiCache Serverless, 0.1 GB at the least"], 0)
            for part in ["alarms", "secrets", "five pollers on each queue, a look every 20 s"]:
                with self.subTest(scale=scale, part=part):
                    self.assertLess(max(course[part], shop[part]), both[part])


class TheNetwork(unittest.TestCase):
    def test_the_default_is_the_cheapest_that_reaches_a_payment_gateway(self):
        """A gigabyte to AWS a day is more than a small shop sends."""
        default, with_endpoints, *_ = (network(load(), given) for given in NETWORKS.values())
        cheapest = min([default, with_endpoints], key=lambda costs: costs[0] + costs[1] * 30)
        chosen = network(load(), {"VpcEndpoints": load().document["Parameters"]["VpcEndpoints"]["Default"]})
        self.assertEqual(chosen, cheapest)

    def test_endpoints_pay_from_the_break_even_on(self):
        (alone, nat), (both, endpoints), *_ = (network(load(), given) for given in NETWORKS.values())
        even = break_even(load())
        self.assertAlmostEqual(alone + nat * even, both + endpoints * even)
        self.assertGreater(alone + nat * 1.1 * even, both + endpoints * 1.1 * even)


class TheDocuments(unittest.TestCase):
    def assert_fresh(self, script):
        done = subprocess.run([sys.executable, DOCS / script, "--check"], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_tables_are_what_the_template_says(self):
        self.assert_fresh("scale/cost.py")

    def test_the_picture_is_what_the_template_says(self):
        self.assert_fresh("architecture.py")

    def test_the_map_of_modules_is_what_the_code_says(self):
        self.assert_fresh("modules.py")


if __name__ == "__main__":
    unittest.main()
