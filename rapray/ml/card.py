"""The card of an emotion model: what it is, what it was trained on, how good it is, what it is not for.

Knows the report of a training, and no model. What the sentences are, only who trains can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CARD = "CARD.md"
NOBODY_SAID = (
    "Nobody said what the sentences are; `--about FILE` puts that here, with their licence and their limits."
)

_CARD = """# rapray/emotion-minilm-l6
Made by `rapray ml train-emotion`; do not edit. {count} emotions in short English texts, each probable by itself.
rapray uses it where no other emotion model is at hand, and says so in every result.

**Network.** sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0, from its package). This file holds low-rank changes
(LoRA, rank {rank}) to the linear maps of its layers from {first} on, a linear head over mean and maximum of the token
states, and per label a slope and a shift (Platt scaling) that make probabilities of logits. {kilobytes} kB,
SHA-256 `{sha256}`.

**Training.** {sentences} sentences of the training file trained the network, the rest of that file ({held}) calibrated
it. {seconds} s with one thread in {precision}. The bytes are the same on the same kind of processor.

## The sentences
{about}

## Scores on the dev file
| label | share of the training sentences | F1 | F1 as shipped | calibration error |
|---|---|---|---|---|
{rows}
| **mean** | | **{macro_f1}** | **{macro_f1_shipped}** | {mean_error} |

For a score, a text gets every label that reaches its threshold, and the most probable one where none does; an analysis
gives the probabilities and applies no threshold. *F1*: thresholds were set on held-out training sentences, so this is
what to expect of unseen sentences of that kind. *As shipped*: thresholds were set on those and dev together, so this
is flattering by as much as it is higher. *Calibration error*: expected calibration error over 15 bins; that of the
most probable label is {dominant_calibration_error}.

```console
$ rapray ml train-emotion --train train.tsv --dev dev.tsv --about about.md --out DIR
$ rapray --set emotion.model=builtin ml eval-emotion dev.tsv --json
```

## Limits
* What the sentences are not, it has not seen. The fewer of them have a label, the less its figures say.
* It reads windows of {window} tokens, a few lines, and knows nothing of what was said before. It reads English alone.
* Not for judging people: a song's feeling is not its author's.
"""


def card(report: Mapping[str, Any], recipe: Mapping[str, Any], about: str | None, window: int) -> str:
    """The text of the card.

    Args:
        report: Fields of `rapray.ml.train_emotion.Report`; the table has its labels in their order.
        recipe: Fields of `rapray.ml.train_emotion.Recipe`.
        about: What the sentences are, as Markdown.
        window: Tokens that the model reads at once.
    """
    errors = report["calibration_error"]
    return _CARD.format(
        **recipe,
        window=window,
        about=(about or NOBODY_SAID).strip(),
        count=len(errors),
        rows="\n".join(_row(label, report) for label in errors),
        kilobytes=round(report["bytes"] / 1000),
        sha256=report["sha256"],
        sentences=f"{report['sentences']:,}",
        held=f"{report['held']:,}",
        precision=report["precision"],
        macro_f1=f"{report['macro_f1']:.3f}",
        macro_f1_shipped=f"{report['macro_f1_shipped']:.3f}",
        mean_error=f"{sum(errors.values()) / len(errors):.3f}",
        dominant_calibration_error=f"{report['dominant_calibration_error']:.3f}",
        seconds=round(report["seconds"]),
    )


def _row(label: str, report: Mapping[str, Any]) -> str:
    figures = (report[name][label] for name in ("f1", "f1_shipped", "calibration_error"))
    return f"| {label} | {report['share'][label]:.1%} | " + " | ".join(f"{one:.3f}" for one in figures) + " |"
