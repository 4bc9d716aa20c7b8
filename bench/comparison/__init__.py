# SPDX-License-Identifier: Apache-2.0
"""The parts of bench/compare_llamacpp.py: processes, what becomes of their figures, errors of logits, and the report."""

PEER = "llama.cpp"
