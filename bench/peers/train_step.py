#!/usr/bin/env python3
"""Time training steps of the benches' nets in PyTorch, JAX and Keras, as train_step_bench times ours.

Same nets, batches, loss and optimizer (plain SGD), fp32, inputs already in memory; forward, loss,
backward and update are timed, data loading is not. Frameworks that are not installed are named and
left out. Output: a table on stdout, and with --out a file in Google Benchmark's JSON form.

    python3 bench/peers/train_step.py --threads=2 --filter='seed-cnn_b128' --out=torch.json

Names: train_step/NET_bBATCH/none|bn_pre/FRAMEWORK_MODE/tTHREADS. Modes: torch_eager (NCHW),
torch_channels_last, torch_compile (channels_last; not run unless --modes names it), jax_jit, and
keras_tensorflow or keras_jax or keras_torch after $KERAS_BACKEND. Each framework runs in a process of
its own: TensorFlow and JAX in one abort, since both bring LLVM.
Exit status 1 if nothing matches the filter.
"""
import argparse
import datetime
import importlib.util
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

NETS = {
    "seed-cnn": {"convs": [32, 64], "dense": [64], "act": "relu"},
    "ioffe-mlp": {"convs": [], "dense": [100, 100, 100], "act": "sigmoid"},
    "mlp-r": {"convs": [], "dense": [512] * 5, "act": "relu"},
}
STEPS = [("seed-cnn", 32), ("seed-cnn", 128), ("seed-cnn", 512), ("ioffe-mlp", 60), ("mlp-r", 128)]
CLASSES, SIDE, BATCHES, RATE, EPS, OLD = 10, 28, 4, 1e-4, 1e-3, 0.99
NO_STEP = "no step has a name that matches the filter"
DEFAULT_MODES = ["torch_eager", "torch_channels_last", "jax_jit", "keras"]

# With glibc's defaults large activations are mapped and unmapped in every step, which costs PyTorch up
# to 1.7 times its own time. A peer is shown at its best: freed memory is kept.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(1 << 28)}


def batches(batch):
    import numpy as np

    rng = np.random.default_rng(1)
    labels = (np.arange(batch) * 7 % CLASSES).astype(np.int64)
    return [(rng.random((batch, SIDE, SIDE, 1), dtype=np.float32), labels) for _ in range(BATCHES)]


def torch_model(net, bn):
    """NCHW in, logits out; no activation after the last layer."""
    from torch import nn

    spec = NETS[net]
    activation = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}[spec["act"]]
    layers, channels, side = [], 1, SIDE
    for width in spec["convs"]:
        layers.append(nn.Conv2d(channels, width, 3))
        layers += [nn.BatchNorm2d(width, EPS, 1 - OLD)] if bn else []
        layers.append(activation())
        channels, side = width, side - 2
    layers.append(nn.Flatten())
    features = channels * side * side
    for width in spec["dense"]:
        layers.append(nn.Linear(features, width))
        layers += [nn.BatchNorm1d(width, EPS, 1 - OLD)] if bn else []
        layers.append(activation())
        features = width
    layers.append(nn.Linear(features, CLASSES))
    return nn.Sequential(*layers).train()


def torch_step(mode, net, batch, bn, threads):
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    model = torch_model(net, bn)
    channels_last = mode != "torch_eager"
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    loss_of = nn.CrossEntropyLoss()
    data = []
    for x, y in batches(batch):
        image = torch.from_numpy(x).permute(0, 3, 1, 2)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        data.append((image.contiguous(memory_format=layout), torch.from_numpy(y)))

    forward = torch.compile(model) if mode == "torch_compile" else model
    turn = 0

    def step():
        nonlocal turn
        x, y = data[turn % BATCHES]
        turn += 1
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(forward(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, lambda loss: float(loss.detach())


def jax_step(mode, net, batch, bn, threads):
    import jax
    import jax.numpy as jnp
    import numpy as np

    spec, rng = NETS[net], np.random.default_rng(1)
    params, moving, channels, side = [], [], 1, SIDE

    def linear(shape, fan_in, fan_out, last=False):
        limit = (6.0 / (fan_in + fan_out)) ** 0.5
        layer = {"w": jnp.asarray(rng.uniform(-limit, limit, shape).astype(np.float32)), "b": jnp.zeros(shape[-1])}
        if bn and not last:
            layer |= {"gamma": jnp.ones(shape[-1]), "beta": jnp.zeros(shape[-1])}
        params.append(layer)
        moving.append((jnp.zeros(shape[-1]), jnp.ones(shape[-1])))

    for width in spec["convs"]:
        linear((3, 3, channels, width), 9 * channels, 9 * width)
        channels, side = width, side - 2
    features = channels * side * side
    for width in spec["dense"]:
        linear((features, width), features, width)
        features = width
    linear((features, CLASSES), features, CLASSES, last=True)
    activation = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[spec["act"]]

    def loss_of(p, m, x, y):
        updated = []
        for index, (layer, (mean_old, var_old)) in enumerate(zip(p, m)):
            if layer["w"].ndim == 4:
                dims = ("NHWC", "HWIO", "NHWC")
                x = jax.lax.conv_general_dilated(x, layer["w"], (1, 1), "VALID", dimension_numbers=dims) + layer["b"]
            else:
                x = x.reshape(x.shape[0], -1) @ layer["w"] + layer["b"]
            if "gamma" in layer:
                axes = tuple(range(x.ndim - 1))
                mean, var = x.mean(axes), x.var(axes)
                x = (x - mean) * jax.lax.rsqrt(var + EPS) * layer["gamma"] + layer["beta"]
                mean_old, var_old = OLD * mean_old + (1 - OLD) * mean, OLD * var_old + (1 - OLD) * var
            updated.append((mean_old, var_old))
            if index + 1 < len(p):
                x = activation(x)
        picked = jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1)
        return -picked.mean(), updated

    def update(p, m, x, y):
        (loss, m), grads = jax.value_and_grad(loss_of, has_aux=True)(p, m, x, y)
        return jax.tree_util.tree_map(lambda w, g: w - RATE * g, p, grads), m, loss

    update = jax.jit(update, donate_argnums=(0, 1))
    data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches(batch)]
    turn = 0

    def step():
        nonlocal params, moving, turn
        x, y = data[turn % BATCHES]
        turn += 1
        params, moving, loss = update(params, moving, x, y)
        return loss.block_until_ready()

    return step, lambda loss: float(loss)


def keras_step(mode, net, batch, bn, threads):
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.threading.get_intra_op_parallelism_threads() == 0:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
    elif keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(threads)
    spec = NETS[net]
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1))])
    for width in spec["convs"]:
        model.add(keras.layers.Conv2D(width, 3))
        if bn:
            model.add(keras.layers.BatchNormalization(momentum=OLD, epsilon=EPS))
        model.add(keras.layers.Activation(spec["act"]))
    model.add(keras.layers.Flatten())
    for width in spec["dense"]:
        model.add(keras.layers.Dense(width))
        if bn:
            model.add(keras.layers.BatchNormalization(momentum=OLD, epsilon=EPS))
        model.add(keras.layers.Activation(spec["act"]))
    model.add(keras.layers.Dense(CLASSES))
    model.compile(
        optimizer=keras.optimizers.SGD(RATE),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )
    data = [(keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)) for x, y in batches(batch)]
    turn = 0

    def step():
        nonlocal turn
        x, y = data[turn % BATCHES]
        turn += 1
        return model.train_on_batch(x, y)

    return step, lambda loss: float(loss[0] if isinstance(loss, (list, tuple)) else loss)


def available_threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def available_modes(wanted):
    """Modes of what is installed, by framework; the rest is named on stderr."""
    found, missing = {}, []
    for mode in wanted:
        family = mode.split("_")[0]
        if family not in MAKERS:
            sys.exit(f"unknown mode {mode}: torch_eager, torch_channels_last, torch_compile, jax_jit, keras")
        if importlib.util.find_spec(family) is None:
            missing.append(family)
        else:
            found.setdefault(family, []).append(mode)
    if missing:
        print("not installed, left out: " + ", ".join(dict.fromkeys(missing)), file=sys.stderr)
    return found


MAKERS = {"torch": torch_step, "jax": jax_step, "keras": keras_step}


def versions():
    from importlib import metadata

    names = {}
    for name in ("torch", "jax", "keras", "tensorflow", "numpy"):
        try:
            names[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return names


def measure(step, min_time, repetitions):
    """Seconds a step, one figure a repetition, after a warm-up of at least 3 steps and a tenth of a second."""
    begin, count = time.perf_counter(), 0
    while count < 3 or time.perf_counter() - begin < 0.1:
        last = step()
        count += 1
    begin = time.perf_counter()
    last = step()
    single = time.perf_counter() - begin
    iterations = max(1, round(min_time / single))
    seconds = []
    for _ in range(repetitions):
        begin, cpu = time.perf_counter(), time.process_time()
        for _ in range(iterations):
            last = step()
        seconds.append(((time.perf_counter() - begin) / iterations, (time.process_time() - cpu) / iterations))
    return seconds, iterations, last


def rows_of(name, batch, seconds, iterations):
    rows = []
    for index, (real, cpu) in enumerate(seconds):
        rows.append(
            {
                "name": name,
                "run_name": name,
                "run_type": "iteration",
                "repetitions": len(seconds),
                "repetition_index": index,
                "threads": 1,
                "iterations": iterations,
                "real_time": real * 1e3,
                "cpu_time": cpu * 1e3,
                "time_unit": "ms",
                "samples_per_s": batch / real,
            }
        )
    if len(seconds) > 1:
        median = dict(rows[0], name=name + "_median", run_type="aggregate", aggregate_name="median")
        for key in ("real_time", "cpu_time", "samples_per_s"):
            median[key] = statistics.median(row[key] for row in rows)
        rows.append(median)
    return rows


def time_steps(args, family, modes):
    """Rows of every step that the filter selects, in the modes of one framework."""
    benchmarks = []
    if family == "keras":
        import keras

        modes = ["keras_" + keras.backend.backend()]
    for net, batch in STEPS:
        for bn in (False, True):
            for mode in modes:
                norm = "bn_pre" if bn else "none"
                name = f"train_step/{net}_b{batch}/{norm}/{mode}/t{args.threads}"
                if not re.search(args.filter, name) or (mode == "torch_channels_last" and not NETS[net]["convs"]):
                    continue
                step, value = MAKERS[family](mode, net, batch, bn, args.threads)
                seconds, iterations, last = measure(step, args.min_time, args.repetitions)
                loss = value(last)
                if not 0 < loss < 100:
                    sys.exit(f"{name}: the loss is {loss}, so what was timed is not training")
                rows = rows_of(name, batch, seconds, iterations)
                benchmarks += rows
                print(f"{name:66} {rows[-1]['real_time']:10.3f} ms {rows[-1]['samples_per_s']:10.0f} samples/s", flush=True)
    return benchmarks


def in_processes(frameworks):
    """The rows of this command's other arguments, one process for each list of modes."""
    benchmarks = []
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        for modes in frameworks:
            command = [sys.executable] + sys.argv + [f"--modes={','.join(modes)}", f"--out={out}"]
            done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
            if out.exists():
                benchmarks += json.loads(out.read_text(encoding="utf-8"))["benchmarks"]
                out.unlink()
            elif done.returncode != 1 or NO_STEP not in done.stderr:
                sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return benchmarks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--filter", default="", help="regular expression on names")
    parser.add_argument("--modes", default=",".join(DEFAULT_MODES))
    parser.add_argument("--min-time", type=float, default=0.5, help="seconds a repetition")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", help="JSON file in Google Benchmark's form")
    parser.add_argument("--default-malloc", action="store_true", help="do not keep freed memory")
    args = parser.parse_args()
    # Read by C libraries when they are loaded, so set before anything is imported. XLA has no thread
    # option of its own: it takes the cores of the affinity mask.
    environment = {"OMP_NUM_THREADS": str(args.threads)}
    if not args.default_malloc:
        environment |= KEEP_MEMORY
    if any(os.environ.get(key) != value for key, value in environment.items()):
        os.execve(sys.executable, [sys.executable] + sys.argv, {**os.environ, **environment})
    if args.threads < available_threads():
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])

    families = available_modes(args.modes.split(","))
    if len(families) == 1:
        (only,) = families.items()
        benchmarks = time_steps(args, *only)
    else:
        benchmarks = in_processes(families.values())
    if not benchmarks:
        print(NO_STEP, file=sys.stderr)
        return 1
    if args.out:
        context = {
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "executable": "bench/peers/train_step.py",
            "num_cpus": available_threads(),
            "threads": str(args.threads),
            "python": platform.python_version(),
            "malloc": "default" if args.default_malloc else "freed memory kept",
            **{f"version_{name}": version for name, version in versions().items()},
        }
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump({"context": context, "benchmarks": benchmarks}, file, indent=2)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
