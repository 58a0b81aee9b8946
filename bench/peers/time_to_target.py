#!/usr/bin/env python3
"""Seconds of training until the seed CNN with batch norm reads 97 % of MNIST's validation images, ours
against PyTorch: the same net, batch 32, plain SGD at rate 0.01, Keras' batch norm (eps 1e-3, ema 0.99),
pixels / 255, the last 5,000 training images as validation set, looked at every 50 steps; reached when
the two looks that follow hold the target too. Only steps are timed, not evaluation or loading.

    python3 bench/peers/time_to_target.py --data=DIR --seeds=5 [--mode=torch_channels_last]

Rounds are interleaved, a process for each run. Seeds are separate on both sides (other initial weights,
other orders of the data): compare medians with their spread. DIR holds MNIST's IDX files, raw or gzip;
default $BATCHMARK_DATA_DIR.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import train_step

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH, RATE, TARGET, EVERY, CONFIRM, CAP, HELD_OUT = 32, 0.01, 0.97, 50, 2, 3000, 5000


def torch_run(mode, seed, threads, folder):
    """(steps to target or None, seconds inside steps by then)."""
    import torch
    from idx import read_idx
    from torch import nn

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    layout = torch.contiguous_format if mode == "torch_eager" else torch.channels_last
    x = torch.from_numpy(read_idx(folder, "train-images-idx3-ubyte")[:, None].copy()) / 255
    y = torch.from_numpy(read_idx(folder, "train-labels-idx1-ubyte").copy()).long()
    model = train_step.torch_model("seed-cnn", True).to(memory_format=layout)
    for layer in model:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    forward = torch.compile(model) if mode == "torch_compile" else model
    optimizer, loss_of = torch.optim.SGD(model.parameters(), lr=RATE), nn.CrossEntropyLoss()
    train = len(y) - HELD_OUT
    seconds, first, held, order = 0.0, None, 0, torch.randperm(train)
    per_epoch = train // BATCH
    for step in range(1, CAP + 1):
        at = (step - 1) % per_epoch
        if at == 0 and step > 1:
            order = torch.randperm(train)
        rows = order[at * BATCH:(at + 1) * BATCH]
        images, labels = x[rows].contiguous(memory_format=layout), y[rows]
        if step == 1 and mode == "torch_compile":  # compiling is not training
            loss_of(forward(images), labels).backward()
        begin = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss_of(forward(images), labels).backward()
        optimizer.step()
        seconds += time.perf_counter() - begin
        if step % EVERY == 0:
            model.eval()
            with torch.no_grad():
                right = sum(int((model(x[i:i + 250].contiguous(memory_format=layout)).argmax(1) == y[i:i + 250]).sum())
                            for i in range(train, len(y), 250))
            model.train()
            if right / HELD_OUT < TARGET:
                first, held = None, 0
            elif first is None:
                first = (step, seconds)
            else:
                held += 1
            if first and held == CONFIRM:
                return first
    return None, seconds


def our_run(program, seed, threads, folder):
    sets = dict(net="seed-cnn", data="mnist", data_dir=folder, batch=BATCH, lr=RATE, seed=seed, threads=threads,
                steps=CAP, eval_every=EVERY, confirm=CONFIRM, target=TARGET, stop_at_target="true")
    command = [program, "train", "--json"] + [word for k, v in sets.items() for word in ("--set", f"{k}={v}")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
    outcome = json.loads(done.stdout.splitlines()[-1])
    return outcome["steps_to_target"], outcome["time_to_target_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BATCHMARK_DATA_DIR"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mode", default="torch_eager", choices=["torch_eager", "torch_channels_last", "torch_compile"])
    parser.add_argument("--program", default=str(ROOT / "build/release/batchmark"))
    parser.add_argument("--out", help="every run as JSON")
    parser.add_argument("--one-seed", type=int, help=argparse.SUPPRESS)  # one PyTorch run, in this process
    args = parser.parse_args()
    if not args.data:
        sys.exit("no data: give --data=DIR or set BATCHMARK_DATA_DIR")
    if args.one_seed is not None:
        print(json.dumps(torch_run(args.mode, args.one_seed, args.threads, args.data)))
        return 0

    runs = {"ours": [], args.mode: []}
    for seed in range(1, args.seeds + 1):
        theirs = subprocess.run([sys.executable, __file__, f"--one-seed={seed}", f"--data={args.data}",
                                 f"--threads={args.threads}", f"--mode={args.mode}"],
                                stdout=subprocess.PIPE, text=True, env={**os.environ, **train_step.KEEP_MEMORY})
        if theirs.returncode != 0:
            sys.exit(f"the PyTorch run of seed {seed} ended with {theirs.returncode}")
        runs[args.mode].append(json.loads(theirs.stdout))
        runs["ours"].append(our_run(args.program, seed, args.threads, args.data))
        for who, made in runs.items():
            print(f"seed {seed}  {who:20} steps {made[-1][0]}  {made[-1][1] or float('nan'):6.2f} s", flush=True)
    medians = {}
    for who, made in runs.items():
        reached = [run for run in made if run[0] is not None]
        if len(reached) < len(made):
            print(f"{who}: {len(made) - len(reached)} of {len(made)} runs did not reach the target in {CAP} steps")
        if not reached:
            return 1
        steps, seconds = [sorted(column) for column in zip(*reached)]
        medians[who] = statistics.median(seconds)
        print(f"{who:20} median {medians[who]:.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f}), "
              f"steps {statistics.median(steps):g} ({steps[0]} to {steps[-1]})")
    print(f"ratio of medians {args.mode} / ours: {medians[args.mode] / medians['ours']:.2f}")
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps(runs) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
