"""Simulated BIDS datasets with known coupling.

The generative model, in the order of the files: the person's sources and their rhythms (``sources``), what
the scalp sees of them (``head``) and artefacts (``artefacts``) make the EEG (``recording``); the power of the
motor rhythms, through the person's haemodynamic response (``haemodynamics``), makes the BOLD of the regions
(``brain``), to which noise and head motion are added (``bold_image``, ``motion``). ``dataset`` writes it all.

Where the choices come from: BOLD of sensorimotor cortex goes down when alpha and beta power goes up (Ritter
2009, doi:10.1002/hbm.20585; Yuan 2010, doi:10.1016/j.neuroimage.2009.10.028); imagery lowers mu and beta
power (Pfurtscheller & Lopes da Silva 1999, doi:10.1016/S1388-2457(99)00141-8); the amplitude of rhythms
fluctuates by itself over seconds to minutes (Linkenkaer-Hansen 2001, doi:10.1523/JNEUROSCI.21-04-01370.2001);
people differ in when their haemodynamic response peaks (Handwerker 2004,
doi:10.1016/j.neuroimage.2003.11.029). The sizes of fluctuation and noise are chosen so that a perfect
predictor reaches a correlation of some 0.65 with a region.
"""
