"""From the policy file to the values of the domain."""
