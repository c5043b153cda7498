from __future__ import annotations

import torch
from timm.layers import BatchNormAct2d
from torch import nn

from comp.training.data_parallel import replaced_norms, restore_norms


def test_norms_are_synchronized_and_put_back() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), BatchNormAct2d(4))
    plain, activated = model[1], model[2]
    norms = replaced_norms(model)
    assert [type(m).__name__ for m in model] == ["Conv2d", "SyncBatchNorm", "SyncBatchNormAct"]
    assert model[1].weight is plain.weight  # the optimizer may have it already
    model.to(torch.float64)  # makes new buffers, as a move to a GPU does
    with torch.no_grad():
        model[1].running_mean.fill_(7.0)
    model[2].eval()
    restore_norms(model, norms)
    assert (model[1], model[2]) == (plain, activated)
    assert model[1].running_mean.tolist() == [7.0] * 4
    assert model[1].running_mean.dtype == torch.float64
    assert (model[1].training, model[2].training) == (True, False)
    assert model(torch.ones(1, 3, 8, 8, dtype=torch.float64)).isfinite().all()
