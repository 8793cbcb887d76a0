"""What the corpus room knows as data: tables headed by their source and licence."""
