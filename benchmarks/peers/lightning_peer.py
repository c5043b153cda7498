"""Lightning + timm: a plain LightningModule with the recipes of the documentation.

- Classes: https://huggingface.co/docs/timm/quickstart (`create_model`, `create_transform` with the
  settings of the weights), AdamW with a learning rate of 1e-3 and one cycle over
  `estimated_stepping_batches` (https://lightning.ai/docs/pytorch/stable/common/optimization.html).
- Masks: a U-Net of segmentation_models_pytorch with its example's Dice loss, Adam with 2e-4, cosine
  to 1e-5, batches of 16:
  https://github.com/qubvel-org/segmentation_models.pytorch/blob/main/examples/binary_segmentation_intro.ipynb
- Pages: the same U-Net with the mean squared error, crops of 256 pixels and flips, AdamW with 1e-3.
  There is no recipe.

A fifth is the validation, without regard to groups, as in
https://lightning.ai/docs/pytorch/stable/common/evaluation_basic.html. The last weights predict.
Lightning is given epochs, not seconds: a few steps are timed, then as many epochs run as fit.
"""

from __future__ import annotations

import os
import time
import warnings
from typing import Any

import dense_data
import lightning
import torch
from contract import SPARE, Job, plan, read_job
from recipes import RECIPES, Recipe
from torch.utils.data import DataLoader, Dataset, random_split

TIMED_STEPS = 4
VALIDATION = 0.2


class Plain(lightning.LightningModule):
    """A network, a loss, an optimizer and its schedule."""

    def __init__(self, recipe: Recipe) -> None:
        """Keep the recipe, whose network is trained."""
        super().__init__()
        self.recipe, self.network = recipe, recipe.network

    def training_step(self, batch: Any, _index: int) -> torch.Tensor:
        """The loss of a batch."""
        return self.recipe.loss(self.network(batch[0]), batch[1])

    def validation_step(self, batch: Any, _index: int) -> None:
        """Log the loss of a batch."""
        self.log("loss", self.recipe.loss(self.network(batch[0]), batch[1]))

    def predict_step(self, batch: Any, _index: int) -> torch.Tensor:
        """What the network says of a batch."""
        return self.recipe.answer(self.network(batch))

    def configure_optimizers(self) -> Any:
        """The optimizer, and a schedule that steps with it."""
        steps = int(self.trainer.estimated_stepping_batches)
        optimizer, schedule = self.recipe.optimizer(self.network.parameters(), steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class Clock(lightning.Callback):
    """The times at which batches ended."""

    def __init__(self) -> None:
        """Begin without batches."""
        self.train: list[float] = []
        self.valid: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        """Note the time."""
        self.train.append(time.perf_counter())

    def on_validation_batch_end(self, *_: Any) -> None:
        """Note the time."""
        self.valid.append(time.perf_counter())


def pace(times: list[float]) -> float:
    """Seconds of a batch, without the first."""
    return (times[-1] - times[0]) / max(1, len(times) - 1)


def trainer(**settings: Any) -> lightning.Trainer:
    """A Trainer that is quiet and writes nothing."""
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return lightning.Trainer(**quiet, enable_model_summary=False, **settings)


def loader(data: Dataset[Any], size: int, train: bool = False) -> DataLoader[Any]:
    """A loader with a worker for each core."""
    workers = os.cpu_count() or 1
    return DataLoader(
        data, size, shuffle=train, drop_last=train, num_workers=workers, persistent_workers=True
    )


def fit(job: Job, module: Plain, test: DataLoader[Any]) -> dict[str, Any]:
    """Time a few steps, then train as many epochs as fit; returns notes."""
    recipe = module.recipe
    rows = job.rows("train")
    generator = torch.Generator().manual_seed(42)
    parts = random_split(rows, [1 - VALIDATION, VALIDATION], generator)  # type: ignore[arg-type]
    batch = recipe.batch
    train, valid = (
        loader(recipe.data([rows[i] for i in part.indices], training), batch, training)
        for part, training in zip(parts, (True, False), strict=True)
    )
    clock, began = Clock(), time.perf_counter()
    timed = Plain(recipe.fresh())
    steps = max(2, min(TIMED_STEPS, len(train)))
    epochs = -(-steps // len(train))
    limits = {"limit_train_batches": min(steps, len(train)), "limit_val_batches": 2}
    trainer(max_epochs=epochs, callbacks=[clock], num_sanity_val_steps=0, **limits).fit(
        timed, train, valid
    )
    start = clock.train[0] - began
    step, check = pace(clock.train[:steps]), pace(clock.valid)
    epoch = len(train) * step + len(valid) * check
    crops = dense_data.CROPS_OF_A_PAGE if job.competition == "denoising" else 1
    prediction = start + check * len(test) * crops * (test.batch_size or 1) / batch
    epochs, share = plan(SPARE * job.left - start - prediction, epoch)
    job.say(f"timed: {start:.1f} s to start, {step:.2f} s a step, {check:.2f} s a check")
    job.say(f"plan: {epochs} epochs of {len(train)} steps, share {share:.3f}")
    used = max(1, round(share * len(train)))
    trainer(max_epochs=epochs, limit_train_batches=used, num_sanity_val_steps=0).fit(
        module, train, valid if share == 1 else None
    )
    images = epochs * used * batch
    return {"images": images, "epochs": epochs, "share of an epoch": round(share, 3)}


def main() -> None:
    """Train, predict, write."""
    warnings.filterwarnings("ignore")
    job = read_job()
    job.say("imported")
    recipe = RECIPES[job.competition](job)
    module, rows = Plain(recipe), job.rows("test")
    size = 1 if job.competition == "denoising" else recipe.batch
    test = loader(recipe.data(rows, None), size)
    facts = fit(job, module, test)
    job.say("trained")
    found = trainer().predict(module, test)
    ids = [row["id"] for row in rows]
    answers = torch.cat(list(found)) if size > 1 else [batch[0] for batch in found]
    if job.competition in dense_data.KINDS:
        job.write_arrays(ids, dense_data.to_files(job.competition, answers, rows))
    else:
        job.write_values(ids, answers)
    job.note(**facts)


if __name__ == "__main__":
    main()
