"""AWS's wire format and wording: calls read from requests, answers, errors, option values and their validation.

May not import any other folder of localcloud; forwarding a call to moto is the only work done here.
"""
