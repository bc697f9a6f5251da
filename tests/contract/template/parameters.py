"""Parameters: a person can type them, and the template says what each is."""


def hidden_parameters_can_be_left_out(template):
    """sam deploy --guided takes no empty answer for one with NoEcho (docs/decisions/0045)."""
    for name, parameter in template.document["Parameters"].items():
        if parameter.get("NoEcho") and (parameter.get("Default"), parameter.get("MinLength")) != ("-", 1):
            yield f"{name} is asked for ever by sam deploy --guided; its default must be - and an empty one refused"


CHECKS = [hidden_parameters_can_be_left_out]
