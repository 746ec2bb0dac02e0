"""Where the child is killed is a matter of the seed alone."""

from anima.torture import plan
from anima.torture.plan import Kill

CROSSINGS = {"turn.opened": 5, "effect.ran": 9, "turn.closed": 1}


def test_every_named_point_has_its_first_middle_and_last_crossing() -> None:
    homes = list(plan.at_named_points(CROSSINGS, 3, 2))
    assert homes[:2] == [[Kill("turn.opened"), Kill("effect.ran")], [Kill("turn.closed")]]
    assert homes[2:5] == [[Kill("turn.opened", 3)], [Kill("effect.ran", 5)], [Kill("turn.closed", 1)]]
    assert homes[5:] == [[Kill("turn.opened", 5)], [Kill("effect.ran", 9)], [Kill("turn.closed", 1)]]


def test_the_same_seed_draws_the_same_kills_and_another_seed_others() -> None:
    first, again, other = (list(plan.at_random(CROSSINGS, 50, seed, 3)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_seed_means_the_same_on_every_machine() -> None:
    drawn = [str(kill) for home in plan.at_random(CROSSINGS, 6, 1, 3) for kill in home]
    assert drawn == [
        "turn.opened:1",
        "turn.opened:1",
        "turn.opened:1",
        "effect.ran:9",
        "turn.closed:1",
        "turn.opened:1",
    ]


def test_random_kills_are_as_many_as_asked_and_within_what_a_life_passes() -> None:
    homes = list(plan.at_random(CROSSINGS, 100, 1, 3))
    kills = [kill for home in homes for kill in home]
    assert len(kills) == 100
    assert {len(home) for home in homes} == {3, 1}
    assert {kill.point for kill in kills} == set(CROSSINGS)
    assert all(1 <= kill.crossing <= CROSSINGS[kill.point] for kill in kills)


def test_kills_by_the_clock_lie_within_a_life() -> None:
    kills = [kill for home in plan.by_clock(2.0, 20, 1, 3) for kill in home]
    assert all(kill.point == "clock" and kill.after is not None and 0 <= kill.after < 2 for kill in kills)
