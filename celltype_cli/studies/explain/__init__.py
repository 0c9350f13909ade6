"""What did a trained model look at?"""
