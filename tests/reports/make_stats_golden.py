#!/usr/bin/env python3
"""Golden values for tests/reports/stats_*_test.cc, from SciPy, lifelines and statsmodels.

Made with Python 3.11.7, numpy 2.4.6, scipy 1.17.1, lifelines 0.30.3, statsmodels 0.15.0:

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 lifelines==0.30.3 statsmodels==0.15.0
    venv/bin/python tests/reports/make_stats_golden.py        # rewrites tests/reports/golden/stats_*.json

Every expected number is computed by one of those packages; where none of them has the quantity, by brute
force over all permutations or by numerical integration (said at the place). Inputs are drawn here and
stored, so the C++ tests need no Python.
"""
import itertools
import json
import math
import pathlib

import numpy as np
import scipy
from scipy import stats
from scipy.stats import _resampling

OUT = pathlib.Path(__file__).parent / "golden"
SEED = 20240607


def write(name, data):
    text = json.dumps({"versions": VERSIONS, **data}, indent=1, default=float, allow_nan=False)
    # One array of numbers a line, instead of one number a line.
    import re
    text = re.sub(r"\[\s+((?:[-+.\deE]+|NaN|,|\s)+?)\s+\]",
                  lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    (OUT / f"stats_{name}.json").write_text(text + "\n")


def versions():
    import lifelines
    import statsmodels
    return {"numpy": np.__version__, "scipy": scipy.__version__,
            "lifelines": lifelines.__version__, "statsmodels": statsmodels.__version__}


VERSIONS = versions()


# ---- The product's counter-based generator, so that SciPy's BCa sees the same resamples.
def philox4x32(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def rng_below(seed, stream, sub, count, n):
    words = []
    for block in range((count + 3) // 4):
        words += philox4x32([block, 0, sub & 0xFFFFFFFF, (sub >> 32) | (stream << 24)],
                            [seed & 0xFFFFFFFF, seed >> 32])
    return [(w * n) >> 32 for w in words[:count]]


STATISTICS_STREAM = 8


def basic():
    rng = np.random.default_rng(SEED)
    samples = [rng.normal(size=7), rng.lognormal(size=10), [3.0], [1.0, 1.0, 2.0, 2.0, 5.0]]
    cases = []
    for x in samples:
        x = np.asarray(x, float)
        cases.append({"x": list(x), "mean": np.mean(x), "median": np.median(x),
                      "sd": np.std(x, ddof=1) if len(x) > 1 else 0.0,
                      "ps": [0.0, 0.1, 0.25, 0.5, 0.9, 1.0],
                      "quantiles": list(np.quantile(x, [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])),
                      "ranks": list(stats.rankdata(x))})
    distributions = {
        "normal": [[x, stats.norm.cdf(x), stats.norm.sf(x)] for x in (-8.0, -1.96, -0.3, 0.0, 0.7, 2.5, 6.0)],
        "normal_quantile": [[p, stats.norm.ppf(p)] for p in (1e-12, 1e-5, 0.025, 0.4, 0.5, 0.8, 0.975, 1 - 1e-9)],
        "student": [[t, df, stats.t.sf(t, df)] for t in (-3.0, -0.5, 0.0, 0.2, 1.7, 4.0, 25.0)
                    for df in (1, 2, 7, 19, 150)],
        "student_quantile": [[p, df, stats.t.ppf(p, df)] for p in (0.001, 0.05, 0.6, 0.975, 0.9999)
                             for df in (1, 3, 7, 40)],
        "f": [[f, a, b, stats.f.sf(f, a, b)] for f in (0.1, 1.0, 3.7, 20.0) for a in (1, 2, 5) for b in (4, 18, 90)],
        "chi2_1": [[x, stats.chi2.sf(x, 1)] for x in (0.0, 0.1, 1.0, 3.84, 20.0)],
        "binomial": [[k, n, q, stats.binom.pmf(k, n, q), stats.binom.cdf(k, n, q)]
                     for n in (1, 8, 40) for k in (0, 1, 5, 8) if k <= n for q in (0.0, 0.05, 0.5, 0.93, 1.0)],
        "beta": [[x, a, b, stats.beta.cdf(x, a, b)] for x in (0.01, 0.3, 0.5, 0.99)
                 for a in (0.5, 1.0, 8.0, 60.0) for b in (0.5, 2.0, 33.0)],
    }
    write("basic", {"samples": cases, "distributions": distributions})


# ---- BCa: SciPy's own interval function on resamples drawn by the product's generator.
def bca(data, statistic, seed, sub, resamples, level, paired=False):
    samples = tuple(np.asarray(d, float) for d in (data if paired else [data]))
    n = len(samples[0])
    index = np.array(rng_below(seed, STATISTICS_STREAM, sub, resamples * n, n)).reshape(resamples, n)
    if paired:
        def stat(idx, axis=-1):
            return statistic(*(s[idx] for s in samples), axis=axis)
        arguments = (np.arange(n),)
    else:
        stat, arguments = statistic, samples
    replicates = stat(index if paired else samples[0][index], axis=-1)
    alpha = (1 - level) / 2
    low, high, _ = _resampling._bca_interval(arguments, stat, -1, alpha, replicates, None, np)
    return {"estimate": stat(arguments[0], axis=-1), "lower": np.quantile(replicates, low),
            "upper": np.quantile(replicates, high)}


def bootstrap():
    rng = np.random.default_rng(SEED + 1)
    cases = []

    def add(name, data, statistic, seed, sub, resamples, level, paired=False):
        result = bca(data, statistic, seed, sub, resamples, level, paired)
        arms = [list(map(float, d)) for d in (data if paired else [data])]
        cases.append({"statistic": name, "data": arms, "seed": seed, "sub": sub, "resamples": resamples,
                      "level": level, **result})

    skewed = rng.lognormal(0.0, 1.0, 15)
    add("mean", skewed, np.mean, 1, 0, 999, 0.95)
    add("mean", skewed, np.mean, 7, 3, 500, 0.9)
    add("mean", rng.normal(size=6), np.mean, 2**40 + 5, 2**33 + 1, 400, 0.95)
    add("median", rng.normal(size=21), np.median, 1, 1, 999, 0.95)
    a = rng.lognormal(1.0, 0.3, 12)
    b = a * rng.lognormal(0.5, 0.2, 12)

    def log_ratio(x, y, axis):
        return np.mean(np.log(x / y), axis=axis)

    def median_ratio(x, y, axis):
        return np.median(x, axis=axis) / np.median(y, axis=axis)

    add("log_ratio", (a, b), log_ratio, 1, 2, 999, 0.95, paired=True)
    add("median_ratio", (a, b), median_ratio, 5, 2, 999, 0.95, paired=True)
    write("bootstrap", {"cases": cases})


# ---- Survival
def survival():
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time
    from statsmodels.duration.survfunc import survdiff

    never = 1e9  # a diverged run stays at risk
    rng = np.random.default_rng(SEED + 2)

    def arm(n, scale, cap, diverged=0):
        times = np.ceil(rng.exponential(scale, n) / 20) * 20
        kinds = ["event" if t <= cap else "censored" for t in times]
        times = np.minimum(times, cap)
        for i in range(diverged):
            kinds[i], times[i] = "diverged", 20.0 * (i + 1)
        return {"times": list(times), "kinds": kinds}

    def arrays(a):
        observed = np.array([k == "event" for k in a["kinds"]])
        times = np.where([k == "diverged" for k in a["kinds"]], never, a["times"])
        return times, observed

    curves = []
    arms = [arm(12, 200, 400), arm(20, 150, 600, 3), arm(9, 50, 2000),
            {"times": [5.0, 8.0, 8.0, 12.0, 12.0, 20.0], "kinds": ["event", "event", "censored", "censored",
                                                                   "event", "event"]}]
    for a in arms:
        times, observed = arrays(a)
        km = KaplanMeierFitter().fit(times, observed)
        table = km.event_table.iloc[1:]
        table = table[(table.index < never) & ((table["observed"] > 0) | (table["censored"] > 0))]
        points = []
        interval = km.confidence_interval_survival_function_
        for t, row in table.iterrows():
            s = float(km.survival_function_.loc[t].iloc[0])
            points.append([t, row["at_risk"], row["observed"], row["censored"], s,
                           *(map(float, interval.loc[t]) if 0 < s < 1 else (s, s))])
        taus = [60.0, 150.0, float(np.max(np.array(a["times"])))]
        rmst = []
        for tau in taus:
            mean = restricted_mean_survival_time(km, t=tau)
            # Irwin's variance by its definition, with the integrals on a fine grid of the curve's own steps.
            variance = 0.0
            s_at = km.survival_function_at_times
            for t, row in table.iterrows():
                if t >= tau or row["observed"] == 0 or row["observed"] == row["at_risk"]:
                    continue
                edges = np.array([t] + [u for u in table.index if t < u < tau] + [tau])
                area = float(np.sum(s_at(edges[:-1]).to_numpy() * np.diff(edges)))
                variance += area**2 * row["observed"] / (row["at_risk"] * (row["at_risk"] - row["observed"]))
            rmst.append([tau, float(mean), variance])
        median = km.median_survival_time_
        curves.append({**a, "points": points, "rmst": rmst, "median": None if math.isinf(median) else median})

    tests = []
    pairs = [(arm(12, 100, 400), arm(12, 250, 400)), (arm(20, 100, 400, 2), arm(15, 120, 400, 5))]
    for a, b in pairs:
        (ta, oa), (tb, ob) = arrays(a), arrays(b)
        plain = logrank_test(ta, tb, oa, ob)
        tests.append({"a": a, "b": b, "chi2": plain.test_statistic, "p": plain.p_value})
    stratified = []
    for a, b in [(arm(12, 100, 400), arm(12, 250, 400)), (arm(24, 100, 300, 2), arm(24, 130, 300))]:
        (ta, oa), (tb, ob) = arrays(a), arrays(b)
        n = len(ta)
        for size in (1, 3):  # seeds a stratum
            strata = np.tile(np.arange(n) // size, 2)
            chi2, p = survdiff(np.concatenate([ta, tb]), np.concatenate([oa, ob]).astype(int),
                               np.repeat([0, 1], n), strata=strata)
            stratified.append({"a": a, "b": b, "size": size, "chi2": chi2, "p": p})
    write("survival", {"curves": curves, "logrank": tests, "stratified": stratified})


# ---- Tests on pairs, equivalence, Holm
ALTERNATIVES = ["two-sided", "less", "greater"]


def paired():
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.weightstats import ttost_paired

    rng = np.random.default_rng(SEED + 3)
    sign = [[w, l] + [stats.binomtest(w, w + l, 0.5, alternative=alt).pvalue for alt in ALTERNATIVES]
            for w, l in ((0, 6), (8, 0), (5, 5), (7, 2), (30, 14), (1, 0))]
    t_tests, wilcoxon = [], []
    for n, shift, null in ((2, 1.0, 0.0), (8, 0.4, 0.0), (20, -0.2, 0.1), (60, 0.05, 0.0)):
        d = rng.normal(shift, 1.0, n)
        row = {"d": list(d), "null": null, "p": []}
        for alt in ALTERNATIVES:
            r = stats.ttest_1samp(d, null, alternative=alt)
            row["p"].append(r.pvalue)
            row["t"] = r.statistic
        row["interval"] = list(stats.ttest_1samp(d, null).confidence_interval(0.95))
        t_tests.append(row)
    for d, method in ((rng.normal(0.5, 1, 9), "exact"), (rng.normal(0.3, 1, 25), "exact"),
                      (rng.integers(-3, 6, 10).astype(float), "permutation"),
                      (rng.integers(-2, 4, 12).astype(float), "permutation"),
                      (rng.integers(-20, 25, 260).astype(float), "approx")):
        row = {"d": list(d), "p": []}
        kept = d[d != 0]
        for alt in ALTERNATIVES:
            if method == "permutation":  # all 2^n signs
                r = stats.wilcoxon(kept, alternative=alt, method=stats.PermutationMethod(n_resamples=np.inf))
            else:
                r = stats.wilcoxon(kept, alternative=alt, method=method, correction=False)
            row["p"].append(r.pvalue)
        ranks = stats.rankdata(np.abs(kept))
        row["w"] = float(ranks[kept > 0].sum())
        row["n"] = len(kept)
        wilcoxon.append(row)
    tost = []
    for n, shift, margin in ((8, 0.0, 1.0), (20, 0.3, 0.5), (20, 2.0, 0.5), (35, -0.1, 0.3)):
        a = rng.normal(0, 1, n)
        b = a - rng.normal(shift, 0.6, n)
        p, low, high = ttost_paired(a, b, -margin, margin)
        interval = stats.ttest_1samp(a - b, 0).confidence_interval(0.9)
        tost.append({"d": list(a - b), "margin": margin, "p": p, "p_above_lower": low[1], "p_below_upper": high[1],
                     "interval": list(interval)})
    holm = []
    for p in ([0.01, 0.04, 0.03, 0.005], [0.2], [0.5, 0.5, 0.9], [0.05, 0.001, 0.001, 0.7, 0.012]):
        holm.append({"p": p, "adjusted": list(multipletests(p, method="holm")[1])})
    write("paired", {"sign": sign, "t": t_tests, "wilcoxon": wilcoxon, "tost": tost, "holm": holm})


# ---- Samples that share nothing, shares, trends
def unpaired():
    from statsmodels.stats.proportion import proportion_confint

    rng = np.random.default_rng(SEED + 4)
    everything = stats.PermutationMethod(n_resamples=np.inf)
    mann_whitney = []
    for a, b, method in ((rng.normal(0, 1, 8), rng.normal(1, 1, 10), "exact"),
                         (rng.normal(0, 1, 25), rng.normal(0.3, 1, 20), "exact"),
                         (rng.integers(0, 4, 6).astype(float), rng.integers(1, 6, 7).astype(float), everything),
                         (rng.integers(0, 9, 40).astype(float), rng.integers(1, 10, 35).astype(float), "asymptotic")):
        row = {"a": list(a), "b": list(b), "p": []}
        for alternative in ALTERNATIVES:
            r = stats.mannwhitneyu(a, b, alternative=alternative, method=method)
            row["p"].append(r.pvalue)
            row["u"] = r.statistic
        mann_whitney.append(row)
    brown_forsythe = []
    for groups in ([rng.normal(0, 1, 12), rng.normal(0, 3, 15)],
                   [rng.normal(0, 1, 8), rng.normal(1, 1.5, 9), rng.normal(2, 1, 10)]):
        f, p = stats.levene(*groups, center="median")
        brown_forsythe.append({"groups": [list(g) for g in groups], "f": f, "p": p})
    intervals = [[k, n, level, *proportion_confint(k, n, 1 - level, method="wilson"),
                  *proportion_confint(k, n, 1 - level, method="beta")]
                 for k, n in ((0, 20), (1, 20), (10, 20), (20, 20), (103, 2000)) for level in (0.9, 0.95)]
    fisher = []
    for ka, na, kb, nb in ((0, 8, 8, 8), (1, 20, 6, 20), (3, 9, 4, 15), (0, 5, 0, 7)):
        table = [[ka, na - ka], [kb, nb - kb]]
        fisher.append([ka, na, kb, nb] + [stats.fisher_exact(table, alternative=alt).pvalue for alt in ALTERNATIVES])
    binomial = [[k, n, q] + [stats.binomtest(k, n, q, alternative=alt).pvalue for alt in ("less", "greater")]
                for k, n, q in ((0, 20, 0.05), (20, 20, 0.5), (3, 10, 0.5), (0, 80, 0.05))]

    page = []
    for n, k, shift in ((6, 3, 0.5), (10, 5, 0.3), (20, 4, 0.0), (12, 9, 0.1)):
        d = rng.normal(0, 1, (n, k)) + shift * np.arange(k)
        r = stats.page_trend_test(d, method="exact" if k <= 8 else "asymptotic")
        page.append({"values": d.tolist(), "l": r.statistic, "p": r.pvalue})
    tied = np.array([[1.0, 1.0, 2.0], [1.0, 2.0, 2.0], [2.0, 1.0, 3.0], [0.0, 0.0, 0.0]])
    ranks = stats.rankdata(tied, axis=1)
    weights = np.arange(1, 4)
    seen = float((ranks @ weights).sum())
    sums = [sum(float(np.dot(row, weights)) for row in rows)  # every order of every seed
            for rows in itertools.product(*(list(itertools.permutations(r)) for r in ranks))]
    page.append({"values": tied.tolist(), "l": seen, "p": float(np.mean(np.array(sums) >= seen - 1e-9))})
    write("unpaired", {"mann_whitney": mann_whitney, "brown_forsythe": brown_forsythe, "intervals": intervals,
                       "fisher": fisher, "binomial": binomial, "page": page})


# ---- Power and logistic curves
def planning():
    import statsmodels.api as sm
    from scipy import integrate, optimize
    from statsmodels.stats.power import TTestPower

    t_power = [[d, n, TTestPower().power(d, n, 0.05, alternative="two-sided")]
               for d in (0.0, 0.3, 0.5, 1.0) for n in (3, 8, 20, 60)]
    one_sided = [[d, n, TTestPower().power(d, n, 0.05, alternative="larger")]
                 for d in (0.2, 1.0) for n in (4, 16, 50)]
    required = [[d, power, math.ceil(TTestPower().solve_power(d, power=power, alpha=0.05) - 1e-9)]
                for d in (0.3, 0.5, 1.0) for power in (0.8, 0.9)]

    def tost_power(margin, n, effect):
        df, root = n - 1, math.sqrt(n)
        t = stats.t.ppf(0.95, df)

        def integrand(s):
            inside = stats.norm.cdf(root * (margin - effect) - t * s) - stats.norm.cdf(-root * (margin + effect) + t * s)
            return max(0.0, inside) * stats.chi.pdf(s * math.sqrt(df), df) * math.sqrt(df)
        edge = root * margin / t  # the integrand is 0 beyond it
        return integrate.quad(integrand, 0, edge, epsabs=1e-12, epsrel=1e-12, limit=500)[0]

    tost = [[m, n, e, tost_power(m, n, e)] for m, e in ((1.0, 0.0), (0.5, 0.0), (0.8, 0.2)) for n in (8, 12, 40)]

    def sign_power(q, n):
        losses = max((k for k in range(n // 2 + 1) if stats.binomtest(k, n, 0.5).pvalue <= 0.05), default=-1)
        return stats.binom.cdf(losses, n, q) + stats.binom.cdf(losses, n, 1 - q) if losses >= 0 else 0.0

    sign = [[q, n, sign_power(q, n)] for q in (0.5, 0.7, 0.9, 1.0) for n in (5, 6, 8, 20, 41)]

    rng = np.random.default_rng(SEED + 5)
    logistic = []
    for dose, hit in ((np.repeat(np.linspace(-3, 2, 11), 4), None),
                      (np.linspace(0, 5, 12), None),
                      (np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), np.array([0, 0, 0, 1, 1, 1]))):
        if hit is None:
            hit = (rng.uniform(size=len(dose)) < 1 / (1 + np.exp(-1.5 * (dose - dose.mean() - 0.3)))).astype(int)
        x = sm.add_constant(dose)

        def minus_penalized(beta, x=x, hit=hit):
            eta = x @ beta
            p = 1 / (1 + np.exp(-eta))
            info = x.T @ (x * (p * (1 - p))[:, None])
            return -(np.sum(hit * eta - np.logaddexp(0, eta)) + 0.5 * np.linalg.slogdet(info)[1])

        def score(beta, x=x, hit=hit):
            p = 1 / (1 + np.exp(-(x @ beta)))
            w = p * (1 - p)
            hat = np.einsum("ij,jk,ik->i", x, np.linalg.inv(x.T @ (x * w[:, None])), x) * w
            return x.T @ (hit - p + hat * (0.5 - p))

        start = optimize.minimize(minus_penalized, np.zeros(2), method="Nelder-Mead",
                                  options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 10000}).x
        firth = optimize.root(score, start, tol=1e-13).x
        separated = hit[dose <= np.median(dose)].sum() == 0 and hit[dose > np.median(dose)].all()
        plain = None if separated else list(sm.Logit(hit, x).fit(disp=0, tol=1e-12, maxiter=200).params)
        logistic.append({"dose": list(dose), "hit": [int(h) for h in hit], "firth": list(firth), "plain": plain})
    write("planning", {"t_power": t_power, "one_sided": one_sided, "required": required, "tost": tost,
                       "sign": sign, "logistic": logistic})


SECTIONS = [basic, bootstrap, survival, paired, unpaired, planning]

if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for section in SECTIONS:
        section()
