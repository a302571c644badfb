"""The page of a posture report: what it shows above its table, and the template, styles and scripts it is made of."""
