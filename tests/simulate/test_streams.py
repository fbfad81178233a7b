from itertools import product

from bids_eeg2fmri.simulate.streams import Stream, make_rng


def test_every_stream_of_every_run_differs():
    draws = {
        make_rng(seed, participant=p, session=s, run=r, stream=stream).random()
        for seed, p, s, r, stream in product((0, 1), (1, 2), (0, 1), (0, 1, 2), Stream)
    }
    assert len(draws) == 2 * 2 * 2 * 3 * len(Stream)
