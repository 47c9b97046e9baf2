"""What a server tells of itself: its report, metrics, log lines, health, and live view."""
