"""The card of the built-in emotion model: what it is, what it was trained on, how good it is, what it is not for.

Knows the report of a training, and no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CARD = "CARD.md"

_CARD = """# rapray/emotion-minilm-l6
Made by `rapray ml train-emotion`; do not edit. Seven emotions (Ekman's six and neutral) in short English texts, each
probable by itself. rapray uses it where no other emotion model is at hand, and says so in every result.

**Network.** sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0, from its package). This file holds low-rank changes
(LoRA, rank {rank}) to the linear maps of its layers from {first} on, a linear head over mean and maximum of the token
states, and per label a slope and a shift (Platt scaling) that make probabilities of logits. {kilobytes} kB,
SHA-256 `{sha256}`.

**Data.** GoEmotions (Demszky, Movshovitz-Attias, Ko, Cowen, Nemade, Ravi: "GoEmotions: A Dataset of Fine-Grained
Emotions", ACL 2020; Google Research), its labels grouped into Ekman's emotions. The data set is published by Google
under CC BY 4.0 and its repository under Apache-2.0; changes made here: grouped labels, training. {sentences}
sentences of the training file trained the network, the rest of that file calibrated it. The recipe (layers, rank,
epochs, learning rate) was chosen on the dev file.

## Scores on the dev file
| label | F1 | F1 as shipped | calibration error |
|---|---|---|---|
{rows}
| **mean** | **{macro_f1}** | **{macro_f1_shipped}** | {mean_error} |

*F1*: thresholds were set on held-out training sentences, so this is what to expect of unseen comments. *As shipped*:
thresholds were set on those and dev together, so this is flattering by as much as it is higher. A text gets every
label that reaches its threshold, and the most probable one where none does. *Calibration error*: expected calibration
error over 15 bins; that of the most probable label is {dominant_calibration_error}. One-vs-rest logistic regression
on the vectors of the unchanged encoder reaches a macro-F1 of 0.49, a fine-tuned BERT 0.64 (the paper).

```console
$ rapray ml train-emotion --train train.tsv --dev dev.tsv --out DIR
$ rapray --set emotion.model=builtin ml eval-emotion dev.tsv --json
```

The first took {seconds} s on 2 busy cores with bfloat16. Its bytes are the same on the same kind of processor.

## Limits
* It learnt from social-media comments in English: short, rude, ironic. It has seen no lyric. Slang, brag and play are
  read as a stranger would read them; profanity pulls towards anger.
* Calibrated on such comments. On lyrics its probabilities order texts; that they are frequencies is not shown.
* Disgust and fear are rare in the data (2 % of sentences each) and the least sure.
* It reads windows of 64 tokens, a few lines, and knows nothing of what was said before. It reads English alone.
* Not for judging people: a song's feeling is not its author's.
"""


def card(report: Mapping[str, Any], recipe: Mapping[str, Any], labels: tuple[str, ...]) -> str:
    """The text of the card.

    Args:
        report: Fields of `rapray.ml.train_emotion.Report`.
        recipe: Fields of `rapray.ml.train_emotion.Recipe`.
        labels: In the order of the table.
    """
    errors = report["calibration_error"]
    rows = [
        f"| {label} | {report['f1'][label]:.3f} | {report['f1_shipped'][label]:.3f} | {errors[label]:.3f} |"
        for label in labels
    ]
    return _CARD.format(
        **recipe,
        rows="\n".join(rows),
        kilobytes=round(report["bytes"] / 1000),
        sha256=report["sha256"],
        sentences=f"{report['sentences']:,}",
        macro_f1=f"{report['macro_f1']:.3f}",
        macro_f1_shipped=f"{report['macro_f1_shipped']:.3f}",
        mean_error=f"{sum(errors.values()) / len(errors):.3f}",
        dominant_calibration_error=f"{report['dominant_calibration_error']:.3f}",
        seconds=round(report["seconds"]),
    )
