"""Tests with the real MLServer and Triton's client; ``make test-external`` brings them."""
