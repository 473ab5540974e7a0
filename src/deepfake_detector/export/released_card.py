"""The card of a released detector, after Mitchell et al. 2019 ("Model Cards"): as text and data.

The data, `card.json`, is what the report and the page quote; the text is made of it alone.
"""

from typing import Any

import pandas as pd

CARD = """# Deepfake detector {version}: card

Finds faces in images and videos, labels each real or fake, and gives a verdict on a video: *likely
real*, *likely fake* or *cannot tell*. Made on {date} from commit `{commit}`.

## Intended use

A first opinion for newsrooms, trust-and-safety teams and researchers on a clip they hold, beside
other evidence; the start of a training on one's own videos. Not a ground for an accusation, not a
filter that acts alone, not a way to tell who somebody is.

## What it covers

{covers}

Covered means: there were enough validation fakes of the kind to bound how many of them are called
likely real. It does not mean that they are found: see *Measured* for how often there is an answer.

Not covered, and not told reliably: {not_covered}. Footage that was generated as a whole is not
detected reliably. Sound is not examined.

## What it learned from

{data}

{people} people. Only train splits were learned from; validation videos chose the recipe and
calibrated the verdicts; test videos only measure.
{encoder}
### Licences

{licences}

The repositories that the clips come from state these licences; most of the footage in them is by
others, whom such a licence does not bind. None of the clips is part of this project. The weights
are released under the project's own licence for the study of detection; who must be sure of every
frame that a model was trained on cannot use them.

## Measured

{protocol}

{results}

Precision where {prevalence:.0%} of the clips are fake: {precision}.

## Limits

- It knows the people, cameras and forgeries above. A new method, strong compression or another
  camera can turn its answers round.
- Real faces of one camera score unlike those of another: one threshold serves all of them badly.
- Probabilities hold where fakes are as common as real videos; `--prevalence` says otherwise.

## Files

{files}
"""

ENCODER = """
One of the networks that label faces is a head on the image encoder of CLIP (ViT-B/16, Radford et
al. 2021, MIT), of which 8 of 12 blocks are used as they are. OpenAI trained it on 400 million
pictures of the web and their captions; who is in them, under which licences, is not known. Of
fakes it was told nothing: only the head learned from the videos above.
"""


def make_card_text(card: dict[str, Any]) -> str:
    """Make the text of a card from its data, as `card.json` holds it."""
    prevalence = card["precision"]["prevalence"]
    return CARD.format(
        version=card["version"],
        date=card["date"],
        commit=card["commit"],
        covers="\n".join(f"- {kind}" for kind in card["covers"]) or "- nothing yet",
        not_covered=", ".join(card["not_covered"]),
        data=_make_table(card["data"]),
        people=card["people"],
        encoder=ENCODER if card["has_encoder"] else "",
        licences="\n".join(
            f"- {name}: {count} videos" for name, count in card["licences"].items()
        ),
        protocol=card["protocol"],
        results=_make_table(card["results"]),
        prevalence=prevalence,
        precision=_to_text(card["precision"]["value"]),
        files=_make_table([{"file": n, "SHA-256": h} for n, h in card["files"].items()]),
    )


def _make_table(rows: list[dict[str, Any]]) -> str:
    table = pd.DataFrame(rows)
    lines = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(map(_to_text, row)) + " |" for row in table.to_numpy(object)]
    return "\n".join(lines)


def _to_text(value: Any) -> str:
    if value is None or value != value:
        return "n/a"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
