"""Alphabets and thresholds, each with its source."""

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The twenty standard residues, alphabetical by one-letter code."""

UNKNOWN = "X"
"""Any residue that is not known."""

EXTENDED_LETTERS = AMINO_ACIDS + "BJOUZX"
"""Letters that a sequence may hold: standard, ambiguous (B, J, Z), O, U and unknown (IUPAC-IUB 1983)."""

LDDT_CUTOFFS = (0.5, 1.0, 2.0, 4.0)
"""Distance-difference thresholds of lDDT in angstrom (Mariani et al. 2013)."""

LDDT_RADIUS = 15.0
"""Inclusion radius of lDDT in angstrom (Mariani et al. 2013)."""

GLASS_EXPONENT = 3.0
"""Exponent of the inverse-power kernel of the `glass` lDDT (GLASS, Algorithm 2)."""

SAME_FOLD_TM = 0.5
"""TM-score above which two proteins share a fold (Xu and Zhang 2010)."""
