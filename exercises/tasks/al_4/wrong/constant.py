# says: A wine's score is not the intercept plus each feature times its coefficient.
intercept, weights = 5.6, np.zeros(len(WINE))
