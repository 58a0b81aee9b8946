#!/usr/bin/env python3
"""Our training step against other frameworks', interleaved: one round runs each of them in turn, in a
process of its own, in an order that turns with the round; the ratio is taken within a round.

    cmake --build build/release --target train_step_bench
    python3 bench/peers/compare_train_step.py --rounds=5

prints, for each step, the median milliseconds of each and the median ratio peer / ours over the rounds
with its smallest and largest value (above 1: ours is faster). --out writes every single timing in Google
Benchmark's JSON form, for `batchmark report` and `batchmark compare`.

Run it with the Python that has the frameworks (or name that with --python). Exit status 1 if nothing
matches the filter or one of the programs fails.
"""
import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = pathlib.Path(__file__).resolve().with_name("train_step.py")


def run(command, out):
    """Timings (ms) by name of a program that writes Google Benchmark's JSON to the file out."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
    report = json.loads(pathlib.Path(out).read_text(encoding="utf-8"))
    scale = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    rows = [row for row in report["benchmarks"] if row["run_type"] == "iteration"]
    for row in rows:
        if row.get("error_occurred"):
            sys.exit(f"{row['name']}: {row.get('error_message')}")
    return report["context"], rows, {row["name"]: row["real_time"] * scale[row["time_unit"]] for row in rows}


def list_steps(bench, threads, pattern):
    """Names NET_bBATCH/NORM that the filter selects, in the table's order."""
    listed = subprocess.run(
        [bench, "--benchmark_list_tests", f"--threads={threads}", f"--benchmark_filter={pattern}"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    names = [line for line in listed.stdout.splitlines() if line.startswith("train_step/")]
    return list(dict.fromkeys("/".join(name.split("/")[1:3]) for name in names))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--filter", default=".", help="regular expression on names, as the bench takes it")
    parser.add_argument("--modes", help="peers' modes, as train_step.py takes them")
    parser.add_argument("--min-time", type=float, default=0.5, help="seconds of each timing")
    parser.add_argument("--bench", default=str(ROOT / "build/release/bench/train_step_bench"))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--out", help="all timings as JSON")
    args = parser.parse_args()
    if not pathlib.Path(args.bench).exists():
        sys.exit(f"no program {args.bench}: build it, or name it with --bench")
    steps = list_steps(args.bench, args.threads, args.filter)
    if not steps:
        sys.exit(f"no training step has a name that matches {args.filter}")

    everything, context = [], {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}
    print(f"{args.threads} threads, {args.rounds} rounds, ms a step (medians); ratio = peer / ours in one round")
    print(f"{'step':24} {'who':22} {'ms':>10} {'ratio':>7} {'least':>7} {'most':>7}")
    with tempfile.TemporaryDirectory() as folder:
        out = str(pathlib.Path(folder) / "out.json")
        for step in steps:
            ours = [args.bench, f"--benchmark_filter=train_step/{step}/", f"--threads={args.threads}",
                    "--limits=quick", f"--benchmark_min_time={args.min_time}", f"--benchmark_out={out}",
                    "--benchmark_out_format=json"]
            same = step.removesuffix("_direct")  # theirs choose their own algorithm
            theirs = [args.python, str(PEERS), f"--filter=train_step/{same}/", f"--threads={args.threads}",
                      f"--min-time={args.min_time}", "--repetitions=1", f"--out={out}"]
            theirs += [f"--modes={args.modes}"] if args.modes else []
            rounds = []
            for number in range(args.rounds):
                times = {}
                for who, command in sorted([("ours", ours), ("theirs", theirs)], reverse=number % 2 == 1):
                    made, rows, read = run(command, out)
                    context[who] = made
                    everything += [dict(row, round=number) for row in rows]
                    times |= {(who, name.split("/")[3]): ms for name, ms in read.items()}
                rounds.append(times)
            (us,) = [key for key in rounds[0] if key[0] == "ours"]
            print(f"{step:24} {us[1]:22} {statistics.median(r[us] for r in rounds):10.3f}")
            for key in rounds[0]:
                if key == us:
                    continue
                ratios = [r[key] / r[us] for r in rounds]
                print(f"{'':24} {key[1]:22} {statistics.median(r[key] for r in rounds):10.3f} "
                      f"{statistics.median(ratios):7.2f} {min(ratios):7.2f} {max(ratios):7.2f}", flush=True)
    if args.out:
        # Our context at the top, as in a bench's own file; the peers' inside it.
        ours_context = context.pop("ours")
        bench = pathlib.Path(ours_context["executable"])
        # No folder of this machine in a file that is passed on.
        ours_context["executable"] = str(bench.relative_to(ROOT) if bench.is_relative_to(ROOT) else bench.name)
        merged = {**ours_context, "peer_context": context.pop("theirs"), **context}
        pathlib.Path(args.out).write_text(
            json.dumps({"context": merged, "benchmarks": everything}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
