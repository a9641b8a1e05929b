"""What any program needs and knows nothing of forecasts: random streams, workers, files that are whole or absent."""
