"""What all walkthroughs share: broker and servers, plots, and how notebooks are made of them."""
