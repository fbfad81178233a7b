"""The sign-flip test against a brute-force loop, and its error rates."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import false_discovery_control, kstest, ttest_1samp

from bids_eeg2fmri.stats.signflip import describe_smallest_p, sign_flip_test, smallest_p


def run_test(z, *, seed=0, names=None, **options):
    names = names or [f"region{k}" for k in range(z.shape[1])]
    rng = np.random.default_rng(seed)
    return sign_flip_test(z, model="ridge", region_names=names, rng=rng, **options)


def t_of(z):
    return ttest_1samp(z, 0.0, axis=0).statistic


def test_exact_p_values_are_those_of_a_loop_over_all_flips():
    z = np.random.default_rng(1).normal(0.3, 0.5, size=(7, 4))
    flips = [t_of(z * np.array(signs)[:, np.newaxis]) for signs in product((1, -1), repeat=7)]
    observed = t_of(z)
    p = np.mean([flip >= observed - 1e-9 for flip in flips], axis=0)
    p_max = np.mean([flip.max() >= observed - 1e-9 for flip in flips], axis=0)
    tests = run_test(z)
    np.testing.assert_allclose([test.p for test in tests], p)
    np.testing.assert_allclose([test.p_max_t for test in tests], p_max)
    np.testing.assert_allclose([test.p_fdr for test in tests], false_discovery_control(p))
    np.testing.assert_allclose([test.fisher_z for test in tests], z.mean(axis=0))
    np.testing.assert_allclose([test.fisher_z_sd for test in tests], z.std(axis=0, ddof=1))
    np.testing.assert_allclose([test.r for test in tests], np.tanh(z.mean(axis=0)))


@pytest.mark.parametrize("n_participants", [2, 5, 12])
def test_the_smallest_p_is_reached_and_stated(n_participants):
    z = np.full((n_participants, 1), 0.4)
    (test,) = run_test(z)
    assert test.p == smallest_p(n_participants) == 0.5**n_participants
    assert f"p is {0.5**n_participants:.2g}".replace("0.", ".") in describe_smallest_p(n_participants)
    assert ("can be below .05" in describe_smallest_p(n_participants)) == (n_participants < 5)


def test_beyond_twelve_the_flips_are_drawn():
    z = np.full((13, 1), 0.4) + np.random.default_rng(0).normal(0, 0.01, size=(13, 1))
    (test,) = run_test(z, n_permutations=99)
    assert test.p in {1 / 100, 2 / 100}
    assert smallest_p(13, n_permutations=99) == 1 / 100
    assert run_test(z, seed=3, n_permutations=99) == run_test(z, seed=3, n_permutations=99)


def test_one_participant_gives_no_p():
    (test,) = run_test(np.array([[0.5]]))
    assert test.n_participants == 1
    assert test.fisher_z == 0.5
    assert np.isnan([test.p, test.p_max_t, test.p_fdr, test.fisher_z_sd]).all()
    assert np.isnan(smallest_p(1))
    assert "no test" in describe_smallest_p(1)
    (nobody,) = run_test(np.zeros((0, 1)))
    assert nobody.n_participants == 0
    assert np.isnan([nobody.p, nobody.r]).all()


@pytest.mark.parametrize("n_participants", [8, 15])
def test_p_is_uniform_and_the_family_wise_error_holds_under_the_null(n_participants):
    rng = np.random.default_rng(11)
    p, smallest_corrected = [], []
    for _ in range(1000):
        z = rng.normal(size=(n_participants, 3)) + rng.normal(size=(n_participants, 1))
        tests = run_test(z, n_permutations=199)
        p.append(tests[0].p)
        smallest_corrected.append(min(test.p_max_t for test in tests))
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.03 <= np.mean(np.array(smallest_corrected) <= 0.05) <= 0.07


def test_corrected_p_is_never_below_the_uncorrected():
    rng = np.random.default_rng(6)
    for n_participants in (4, 9, 14):
        z = rng.normal(0.2, 0.4, size=(n_participants, 6))
        for test in run_test(z, n_permutations=199):
            assert test.p_max_t >= test.p
            assert test.p_fdr >= test.p


def test_a_missing_value_leaves_the_others_of_that_participant():
    z = np.random.default_rng(7).normal(0.5, 0.3, size=(6, 3))
    with_gap = z.copy()
    with_gap[2, 1] = np.nan
    tests = run_test(with_gap)
    assert [test.n_participants for test in tests] == [6, 5, 6]
    assert tests[0].p == run_test(z)[0].p
    assert tests[1].p == run_test(np.delete(z, 2, axis=0))[1].p
    all_missing = np.column_stack([z[:, 0], np.full(6, np.nan)])
    present, absent = run_test(all_missing)
    assert present.p_max_t == present.p
    assert absent.n_participants == 0
    assert np.isnan(absent.p)


def test_the_mean_region_is_no_member_of_the_family():
    z = np.random.default_rng(8).normal(0.3, 0.3, size=(6, 3))
    alone = run_test(z[:, :2], names=["a", "b"])
    with_mean = run_test(z, names=["a", "b", "mean"])
    assert with_mean[:2] == alone
    assert with_mean[2].p == run_test(z[:, 2:], names=["a"])[0].p
    assert np.isnan([with_mean[2].p_max_t, with_mean[2].p_fdr]).all()


def test_values_that_are_all_zero_give_no_evidence():
    (test,) = run_test(np.zeros((6, 1)))
    assert test.p == 1.0


def test_a_wrong_number_of_names_is_refused():
    with pytest.raises(ValueError, match="expected"):
        run_test(np.zeros((3, 2)), names=["a"])
