"""Networks, calibration, model directories and the registry."""
