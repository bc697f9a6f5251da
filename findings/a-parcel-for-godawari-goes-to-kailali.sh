#!/usr/bin/env bash
# Packages with Nepal's municipalities know one place for a name that two or three have, and cannot list four districts of their own.
#
# Versions   PyPI nepali-address 0.1.4 · PyPI nepali-toolkit 0.1.3 (with rapidfuzz 3.14.5) · PyPI nepali-address-system 0.0.3 ·
#            PyPI nepal-sub-divisions 0.0.11
# Guess      a search by name gives all places of that name, or says that there are several; each district of a list has its municipalities
# Seen       "Godawari Municipality" is in Lalitpur, by Kathmandu, and in Kailali, more than 400 km away; 36 of 753 places share 17 names.
#            nepali-address          get_local_level_by_name gives the last one of the list: Godawari is in Kailali
#            nepali-toolkit          get_by_name, district_by_municipality and wards give the first one: Mahalaxmi is in Dhankuta
#            nepali-address-system   get_district gives one of them, in an order of its own
#            nepal-sub-divisions     all_data_info gives both of them, but municipalities() raises DistrictNotFoundException for
#                                    Aachham, both halves of Nawalparasi and Rukum (State 5), which its districts() lists, and
#                                    Parsa, Gulmi and Saptari lack one each
# So         a parcel is priced for and sent to another end of the country, and buyers in four districts cannot choose their place. Keep
#            the district beside the name, and look places up by both.
# Tried      2026-12-01
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check nepali-address==0.1.4 nepali-toolkit==0.1.3 rapidfuzz==3.14.5 nepali-address-system==0.0.3 \
  nepal-sub-divisions==0.0.11
cat >places.py <<'PY'
from collections import defaultdict

import nepali_address
from nepal_municipalities import NepalMunicipality
from nepali_address_system.municipalities import Municipality
from nepali_toolkit.locations import Location

levels = nepali_address.get_local_levels()
places = defaultdict(list)
for level in levels:
    places[level["name"]].append(nepali_address.get_district_by_id(level["district_id"])["name"])
shared = {name: districts for name, districts in places.items() if len(districts) > 1}
print(len(levels), "places,", sum(map(len, shared.values())), "of them share", len(shared), "names")

for name in ("Godawari Municipality", "Mahalaxmi Municipality", "Sunkoshi Rural Municipality", "Madi Municipality"):
    print(name, shared[name])
    print("  nepali-address", nepali_address.get_district_by_id(nepali_address.get_local_level_by_name(name)["district_id"])["name"])
    print("  nepali-toolkit", Location.find.district_by_municipality(name)["name_en"])
    print("  nepali-address-system", Municipality().get_district(name))
    print("  nepal-sub-divisions", [place["district"] for place in NepalMunicipality.all_data_info(name)])

districts = NepalMunicipality.districts()
count = {}
for district in districts:
    try:
        count[district] = len(NepalMunicipality.municipalities(district))
    except Exception as error:
        count[district] = type(error).__name__
print("nepal-sub-divisions", len(districts), "districts:", sorted((name, found) for name, found in count.items() if isinstance(found, str)))
for name in ("Parsa", "Gulmi", "Saptari"):
    print("nepal-sub-divisions", name, count[name], "nepali-address", sum(name in found for found in places.values()))
PY
seen=$(python/bin/python places.py)
echo "$seen"
[[ "$seen" == "753 places, 36 of them share 17 names
Godawari Municipality ['Lalitpur', 'Kailali']
  nepali-address Kailali
  nepali-toolkit Lalitpur
  nepali-address-system Lalitpur
  nepal-sub-divisions ['Lalitpur', 'Kailali']
Mahalaxmi Municipality ['Dhankuta', 'Lalitpur']
  nepali-address Lalitpur
  nepali-toolkit Dhankuta
  nepali-address-system Lalitpur
  nepal-sub-divisions ['Dhankuta', 'Lalitpur']
Sunkoshi Rural Municipality ['Okhaldhunga', 'Sindhupalchok', 'Sindhuli']
  nepali-address Sindhuli
  nepali-toolkit Okhaldhunga
  nepali-address-system Sindhuli
  nepal-sub-divisions ['Okhaldhunga', 'Sindhuli', 'Sindhupalchowk']
Madi Municipality ['Sankhuwasabha', 'Chitwan']
  nepali-address Chitwan
  nepali-toolkit Sankhuwasabha
  nepali-address-system Chitawan
  nepal-sub-divisions ['Sankhuwasabha', 'Chitwan']
nepal-sub-divisions 77 districts: [('Aachham', 'DistrictNotFoundException'), ('Nawalparasi (State 4)', 'DistrictNotFoundException'), ('Nawalparasi West', 'DistrictNotFoundException'), ('Rukum (State 5)', 'DistrictNotFoundException')]
nepal-sub-divisions Parsa 13 nepali-address 14
nepal-sub-divisions Gulmi 11 nepali-address 12
nepal-sub-divisions Saptari 17 nepali-address 18" ]] || { echo "The behaviour has changed." >&2; exit 1; }
