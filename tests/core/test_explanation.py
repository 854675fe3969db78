from callout.core.explanation import Explanation, Remedy, Step

HELD = Step("caller", held=True, detail="alice")
DISABLED = Step("enabled", held=False, detail="off", reason="callouts_disabled", remedies=(Remedy("Enable it", "on"),))
DENIED = Step("grant", held=False, detail="none", reason="principal_not_granted", remedies=(Remedy("Grant it."),))


def test_the_first_step_that_did_not_hold_is_the_reason() -> None:
    explanation = Explanation((HELD, DISABLED, DENIED))
    assert explanation.refused is DISABLED
    assert explanation.reason is not None
    assert explanation.reason.code == "callouts_disabled"


def test_the_remedies_of_all_steps_that_did_not_hold_are_named_in_order() -> None:
    assert Explanation((HELD, DISABLED, DENIED)).remedies == (Remedy("Enable it", "on"), Remedy("Grant it."))


def test_where_every_step_held_there_is_no_reason() -> None:
    explanation = Explanation((HELD,))
    assert explanation.refused is None
    assert explanation.reason is None
    assert explanation.remedies == ()


def test_an_explanation_grows_by_a_copy() -> None:
    start = Explanation()
    assert start.with_step(HELD).with_step(DENIED).steps == (HELD, DENIED)
    assert start.steps == ()


def test_a_step_without_a_reason_gives_none() -> None:
    assert Explanation((Step("note", held=False, detail=""),)).reason is None


def test_a_remedy_reads_as_a_sentence_with_its_command() -> None:
    assert str(Remedy("Enable it.", "callout named-credential enable Orders")) == (
        "Enable it: callout named-credential enable Orders"
    )
    assert str(Remedy("Wait.")) == "Wait."
