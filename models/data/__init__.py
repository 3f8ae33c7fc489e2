"""Songs, samples and label texts that the models are trained and measured with."""
