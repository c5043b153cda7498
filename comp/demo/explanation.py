"""What a network of the run looks at in one image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from comp.contract.sample import Reader, Sample
from comp.demo.answer import on_page
from comp.errors import CompError
from comp.explanations.explain import MOST_PIXELS
from comp.explanations.layer import MapLayer
from comp.explanations.networks import FoldNetwork, RunNetworks, why_not
from comp.explanations.picture import heat_of, overlaid, picture_of
from comp.explanations.question import question_of
from comp.page.words import Text, say
from comp.pipeline.run_oof import RunOof


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """An image under the map of a network; or why there is none."""

    words: Text
    overlay: np.ndarray | None = None
    """uint8 (H, W, 3)."""


@dataclass
class Explainer:
    """Explains single images by the network of the first fold, which stays in memory.

    Args:
        run: None if the data or the predictions of the run are missing.
        missing: why it is None.
    """

    run: RunOof | None
    missing: str = ""
    device: str = "auto"

    @cached_property
    def reason(self) -> str:
        """Why the run cannot be explained; "" if it can."""
        return self.missing if self.run is None else why_not(self.run)

    @cached_property
    def _network(self) -> FoldNetwork:
        assert self.run is not None
        return RunNetworks(self.run, self.device).of(min(self.run.fold_of.values()))

    def explain(
        self,
        sample: Sample,
        make_reader: Callable[[Sample], Reader],
        prediction: np.ndarray,
        decided: np.ndarray | None,
    ) -> Explanation:
        """Explain what the run decided about an image.

        Args:
            make_reader: makes the reader of the image.
        """
        if self.reason or self.run is None:
            return Explanation(words=say("no explanation: {why}", why=self.reason))
        try:
            network = replace(self._network, reader=make_reader(sample))
            entries = network.read(sample)
        except CompError as error:
            return Explanation(words=say("no explanation: {why}", why=str(error)))
        height, width = entries["image"].shape[-2:]
        if height * width > MOST_PIXELS:
            return Explanation(words=say("no explanation: the image is too large for it"))
        inputs = network.inputs([entries])
        layer = network.explainer.layer(inputs)
        if layer is None:
            why = f"{self.run.config.backbone} has no layer of features with a place in the image"
            return Explanation(words=say("no explanation: {why}", why=why))
        question = question_of(self.run.competition.task, prediction, decided, None)
        signed = network.explainer.maps(layer, inputs, [question])[0]
        heat = heat_of(signed, (height, width), network.explainer.multiple)
        image = picture_of(entries["image"].numpy())
        overlay = on_page(overlaid(image, heat))
        return Explanation(words=self._words(layer, question.name), overlay=overlay)

    def _words(self, layer: MapLayer, target: str) -> Text:
        assert self.run is not None
        return say(
            "{method}: bright parts speak for {target}, in the network of fold {fold}",
            method="attention" if layer.read else "Grad-CAM",
            target=target,
            fold=min(self.run.fold_of.values()),
        )
