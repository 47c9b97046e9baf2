"""What the three streams servers share: faust on a transport that loses nothing, its supervision, and its queries."""
