"""What a call costs, and when nobody can know."""

import pytest

from anima.models.prices import price_of, priced
from anima.settings import ModelRef, Price
from anima.vocabulary import Usage


def test_a_known_model_at_its_makers_server_has_its_list_price() -> None:
    price = price_of(ModelRef("anthropic", "claude-sonnet-4-5"), official=True)
    assert priced(Usage(1_000_000, 1_000_000, 0), price).dollars == pytest.approx(18.0)
    assert priced(Usage(1_000_000, 0, 1_000_000), price).dollars == pytest.approx(0.3)


@pytest.mark.parametrize("model", ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5-latest"])
def test_a_dated_snapshot_costs_what_its_model_costs(model: str) -> None:
    assert price_of(ModelRef("anthropic", model), official=True) == Price(3.0, 15.0, 0.3)


def test_a_model_nobody_listed_and_a_server_nobody_knows_have_no_price() -> None:
    assert price_of(ModelRef("openai", "gpt-99"), official=True) is None
    assert price_of(ModelRef("openai", "gpt-5", "http://127.0.0.1:1"), official=False) is None
    assert priced(Usage(5, 5), None).dollars is None


def test_the_settings_price_comes_first_and_cached_input_costs_the_same_unless_said() -> None:
    price = price_of(ModelRef("openai", "gpt-5", price=Price(2.0, 4.0)), official=True)
    assert priced(Usage(1_000_000, 0, 500_000), price).dollars == pytest.approx(2.0)


def test_input_that_goes_into_a_cache_costs_a_quarter_more() -> None:
    assert priced(Usage(1_000_000, 0, 0), Price(4.0, 0.0), written=1_000_000).dollars == pytest.approx(5.0)
