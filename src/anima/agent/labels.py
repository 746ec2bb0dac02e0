"""Labels of a turn: the join of all that it has read."""

from anima.vocabulary import Label, Turn


def label_of(turn: Turn) -> Label:
    """How far what this turn says is trusted, and who may read it."""
    label = turn.events[0].label
    for event in turn.events[1:]:
        label = label.join(event.label)
    for effect in turn.effects:
        if effect.label is not None:
            label = label.join(effect.label)
    return label
