"""A teacher's link takes controls away, and nothing else can be smuggled into the page's style."""

from __future__ import annotations

from rnnapp.ui.hiding import hiding_rules


def test_named_controls_are_hidden_and_the_split_with_all_its_forms() -> None:
    rules = hiding_rules("dropout,split")
    assert ".st-key-dropout{display:none}" in rules
    assert ".st-key-split_date{display:none}" in rules


def test_all_but_a_few_are_hidden() -> None:
    rules = hiding_rules("all", "window,cell")
    assert ":not(.st-key-window):not(.st-key-cell){display:none}" in rules
    assert hiding_rules("all").endswith("{display:none}")


def test_what_is_no_name_is_left_out() -> None:
    assert hiding_rules("}</style><script>,*,A B") == ""
    assert hiding_rules("") == ""
    assert len(hiding_rules(",".join(["clip"] * 1000))) < 4000
