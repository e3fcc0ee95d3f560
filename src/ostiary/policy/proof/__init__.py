"""Proof: what rules do for every possible request, not only for those that were tried. The facade is `proof.facade`."""
