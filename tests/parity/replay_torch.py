#!/usr/bin/env python3
"""Replay a `batchmark train --dump DIR` run in PyTorch, step by step, and compare.

Same initial weights, same batches, same rule: the losses must agree. Runs in float64, so the difference
shown is batchmark's own rounding.

    batchmark train --set steps=20 --set data=mnist --dump run
    python3 tests/parity/replay_torch.py run --data DIR_WITH_IDX_FILES
    python3 tests/parity/replay_torch.py run --data DIR --golden tests/training/golden/parity_x.json

Exit status 1 if a loss differs by more than --tolerance (relative). --golden also writes PyTorch's losses,
with versions and command, for the offline test.
"""
import argparse
import json
import pathlib
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench/peers"))
from idx import read_idx

PRESETS = {
    "seed-cnn": "conv3x3:32 relu, conv3x3:64 relu, flatten, dense:64 relu, dense:10",
    "ioffe-mlp": "flatten, " + "dense:100 sigmoid, " * 3 + "dense:10",
    "mlp-r": "flatten, " + "dense:512 relu, " * 5 + "dense:10",
}
ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "none": lambda u: u}


def scale(pixels, spec, train):
    x = pixels.astype(np.float64)
    how = spec["input"]
    if how == "minmax":
        return x / 255.0
    if how == "binary":
        return (pixels >= 128).astype(np.float64)
    if how == "standardize":
        reference = train[:-5000].astype(np.float64)
        return (x - reference.mean()) / reference.std()
    return x


class Replay:
    """The net of a dump, with its initial weights, as PyTorch tensors."""

    def __init__(self, folder, spec):
        self.spec = spec
        self.layers = [layer.strip() for layer in PRESETS.get(spec["net"], spec["net"]).split(",")]
        self.parameters = {}
        self.moving = {}
        for path in sorted((folder / "init").glob("*.npy")):
            number, name, _ = path.name.split(".")
            value = torch.tensor(np.load(path).astype(np.float64))
            if name.startswith("moving"):
                self.moving[int(number), name] = value
            else:
                self.parameters[int(number), name] = value.requires_grad_(True)

    def norm(self, index, v):
        """Batch statistics by group over all but the channel axis (the last)."""
        gamma, beta = self.parameters[index, "gamma"], self.parameters[index, "beta"]
        stats = self.spec["bn.stats"]
        size = int(stats.split(":")[1]) if stats.startswith("ghost") else len(v)
        edges = list(range(0, len(v), size)) + [len(v)]
        if v.ndim == 2 and len(edges) > 2 and edges[-1] - edges[-2] == 1:
            del edges[-2]  # a remainder of one sample joins the previous group
        out = []
        for begin, end in zip(edges, edges[1:]):
            rows = v[begin:end].reshape(-1, v.shape[-1])
            mean = rows.mean(0)
            var = rows.var(0, unbiased=False)
            out.append((v[begin:end] - mean) / torch.sqrt(var + self.spec["bn.eps"]) * gamma + beta)
        rows = v.detach().reshape(-1, v.shape[-1])
        old = float(self.spec["bn.eval"].split(":")[1])
        for name, batch in (("moving_mean", rows.mean(0)), ("moving_var", rows.var(0, unbiased=True))):
            self.moving[index, name] = old * self.moving[index, name] + (1 - old) * batch
        return torch.cat(out)

    def forward(self, x):  # x [n, H, W, 1]
        value = x
        for index, layer in enumerate(self.layers):
            head, _, word = layer.partition(" ")
            name, _, argument = head.partition(":")
            if name == "flatten":
                value = value.reshape(len(value), -1)
            elif name == "maxpool2":
                value = F.max_pool2d(value.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
            elif name == "dropout":
                if float(argument) != 0:
                    sys.exit("dropout masks are not replayed")
            else:
                weight, bias = self.parameters[index, "weight"], self.parameters[index, "bias"]
                if name == "dense":
                    z = value @ weight + bias
                else:
                    same = re.fullmatch(r"conv(\d+)x(\d+)same", name)
                    padding = (int(same[1]) // 2, int(same[2]) // 2) if same else 0
                    z = F.conv2d(value.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1), bias, padding=padding)
                    z = z.permute(0, 2, 3, 1)
                act = ACTIVATIONS[word or "none"]
                hidden = index + 1 < len(self.layers)
                placement = self.spec["bn.placement"] if hidden else "none"
                if placement == "pre":
                    value = act(self.norm(index, z))
                elif placement == "post":
                    value = self.norm(index, act(z))
                else:
                    value = act(z)
        return value

    def step(self, x, labels):
        loss = F.cross_entropy(self.forward(x), labels)
        names = list(self.parameters)
        grads = torch.autograd.grad(loss, [self.parameters[n] for n in names])
        with torch.no_grad():
            for name, grad in zip(names, grads):
                if name[1] == "weight":
                    grad = grad + self.spec["weight_decay"] * self.parameters[name]
                if self.spec["momentum"] > 0:
                    velocity = self.velocity.setdefault(name, torch.zeros_like(grad))
                    velocity.mul_(self.spec["momentum"]).add_(grad)
                    grad = velocity
                self.parameters[name] -= self.spec["lr"] * grad
        return loss.item()

    velocity = {}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", type=pathlib.Path)
    parser.add_argument("--data", required=True, help="folder with the IDX files of the run")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--golden", help="write PyTorch's losses to this file")
    args = parser.parse_args()

    spec = json.loads((args.dump / "spec.json").read_text())
    batches = np.load(args.dump / "batches.npy")
    ours = np.load(args.dump / "losses.npy")
    images = read_idx(args.data, "train-images-idx3-ubyte")
    labels = read_idx(args.data, "train-labels-idx1-ubyte")
    replay = Replay(args.dump, spec)
    theirs = []
    for indices in batches:
        x = torch.tensor(scale(images[indices], spec, images))[..., None]
        theirs.append(replay.step(x, torch.tensor(labels[indices].astype(np.int64))))
    theirs = np.array(theirs)
    relative = np.abs(ours - theirs) / np.abs(theirs)
    worst = int(relative.argmax())
    print(f"{len(ours)} steps; largest relative difference of loss {relative.max():.2e} at step {worst} "
          f"(batchmark {ours[worst]:.7f}, PyTorch {theirs[worst]:.7f})")
    if args.golden:
        golden = {
            "made_by": f"PyTorch {torch.__version__}, NumPy {np.__version__}, float64, {pathlib.Path(__file__).name}",
            "command": "batchmark train " + " ".join(f"--set {k}={v}" for k, v in spec.items() if k in KEYS),
            "spec": {k: spec[k] for k in KEYS},
            "losses": theirs.tolist(),
        }
        pathlib.Path(args.golden).write_text(json.dumps(golden, indent=1) + "\n")
    for path in sorted((args.dump / "final").glob("*.npy")):
        number, name, _ = path.name.split(".")
        key = (int(number), name)
        want = (replay.moving if key in replay.moving else replay.parameters)[key].detach().numpy()
        got = np.load(path).astype(np.float64)
        # A bias under batch norm has no gradient: what moves it is rounding alone.
        print(f"final {path.name:24s} distance {np.linalg.norm(got - want):.2e} of {np.linalg.norm(want):.2e}")
    sys.exit(1 if relative.max() > args.tolerance else 0)


KEYS = ("net", "data", "input", "batch", "lr", "momentum", "weight_decay", "bn.placement", "bn.stats", "steps", "seed")

if __name__ == "__main__":
    main()
