"""The parts of bench_engine: reports, messages, deadlines, several workers, peers, and a small site that people use."""
