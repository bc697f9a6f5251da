#!/usr/bin/env bash
# factur-x says that an invoice with a wrong sum keeps the rules of EN 16931, unless a server that it doesn't bring is running.
#
# Versions   PyPI factur-x 7.8 · PyPI factur-x 5.1 with PyPI saxonche 13.1.1
# Guess      `xml_check_schematron` gives "True if the XML is valid" and raises otherwise; a check that can't be made is an error
# Seen       one lesson of 100.00, a voucher of 10.00, 20 % VAT: total without VAT 90.00 (right) or 95.00 (wrong, rule BR-CO-13)
#                                                           right          wrong
#              7.8, xml_check_schematron                    True           TRUE
#              7.8, facturx-xmlcheck                        ends with 0    ENDS WITH 0
#              5.1, xml_check_schematron                    True           TRUE
#              5.1 with saxonche, xml_check_schematron      True           an exception that names BR-CO-13
#            Since 6.0 the check is a request to a Saxon server, by default on this machine's port 5000; without one it is left out
#            and the answer is True, with a line in the log. The text of saxon_server_raise_if_http_error tells; True makes it an error.
# So         an upgrade from 5 to 7 switches the check off in a program that ran it well, and its tests stay green; the customer's
#            software refuses the invoice, and nobody pays it.
# Tried      2026-11-29
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for name in 7.8 5.1 5.1-saxonche; do python3 -m venv "$name"; done
7.8/bin/pip install --quiet --disable-pip-version-check factur-x==7.8
5.1/bin/pip install --quiet --disable-pip-version-check factur-x==5.1
5.1-saxonche/bin/pip install --quiet --disable-pip-version-check factur-x==5.1 saxonche==13.1.1
cat >invoice.py <<'PY'
AGREED = "urn:un:unece:uncefact:data:standard"
RATE = "<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>20</ram:RateApplicablePercent>"
LINE_RATE = f"<ram:TypeCode>VAT</ram:TypeCode>{RATE}"
VAT_ID = '<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">FR11123456782</ram:ID></ram:SpecifiedTaxRegistration>'


def party(kind, name, tax=""):
    address = "<ram:PostalTradeAddress><ram:CountryID>FR</ram:CountryID></ram:PostalTradeAddress>"
    return f"<ram:{kind}><ram:Name>{name}</ram:Name>{address}{tax}</ram:{kind}>"


def invoice(total, vat, due):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="{AGREED}:CrossIndustryInvoice:100" xmlns:udt="{AGREED}:UnqualifiedDataType:100"
  xmlns:ram="{AGREED}:ReusableAggregateBusinessInformationEntity:100"><rsm:ExchangedDocumentContext>
<ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>
</rsm:ExchangedDocumentContext><rsm:ExchangedDocument><ram:ID>INV-1</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">20261128</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction><ram:IncludedSupplyChainTradeLineItem>
<ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
<ram:SpecifiedTradeProduct><ram:Name>Lesson</ram:Name></ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeAgreement>
<ram:NetPriceProductTradePrice><ram:ChargeAmount>100.00</ram:ChargeAmount></ram:NetPriceProductTradePrice>
</ram:SpecifiedLineTradeAgreement><ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">1</ram:BilledQuantity>
</ram:SpecifiedLineTradeDelivery><ram:SpecifiedLineTradeSettlement><ram:ApplicableTradeTax>{LINE_RATE}</ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement>{party("SellerTradeParty", "Shop", VAT_ID)}{party("BuyerTradeParty", "Asha Rai")}
</ram:ApplicableHeaderTradeAgreement><ram:ApplicableHeaderTradeDelivery>
<ram:ActualDeliverySupplyChainEvent><ram:OccurrenceDateTime><udt:DateTimeString format="102">20261128</udt:DateTimeString>
</ram:OccurrenceDateTime></ram:ActualDeliverySupplyChainEvent></ram:ApplicableHeaderTradeDelivery>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode><ram:ApplicableTradeTax>
<ram:CalculatedAmount>{vat}</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode><ram:BasisAmount>{total}</ram:BasisAmount>
{RATE}</ram:ApplicableTradeTax><ram:SpecifiedTradeAllowanceCharge>
<ram:ChargeIndicator><udt:Indicator>false</udt:Indicator></ram:ChargeIndicator><ram:ActualAmount>10.00</ram:ActualAmount>
<ram:Reason>Voucher</ram:Reason><ram:CategoryTradeTax>{LINE_RATE}</ram:CategoryTradeTax></ram:SpecifiedTradeAllowanceCharge>
<ram:SpecifiedTradePaymentTerms><ram:Description>At once</ram:Description></ram:SpecifiedTradePaymentTerms>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
<ram:AllowanceTotalAmount>10.00</ram:AllowanceTotalAmount><ram:TaxBasisTotalAmount>{total}</ram:TaxBasisTotalAmount>
<ram:TaxTotalAmount currencyID="EUR">{vat}</ram:TaxTotalAmount><ram:GrandTotalAmount>{due}</ram:GrandTotalAmount>
<ram:DuePayableAmount>{due}</ram:DuePayableAmount></ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement></rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>
"""


for name, amounts in (("right", ("90.00", "18.00", "108.00")), ("wrong", ("95.00", "19.00", "114.00"))):
    with open(f"{name}.xml", "w") as file:
        file.write(invoice(*amounts))
PY
cat >check.py <<'PY'
import logging
import re
import sys

import facturx

logging.disable(logging.CRITICAL)
for name in ("right", "wrong"):
    text = open(f"{name}.xml", "rb").read()
    facturx.xml_check_xsd(text)
    try:
        answer = facturx.xml_check_schematron(text)
    except Exception as error:
        answer = "refused " + " ".join(re.findall(r"\[(BR-[-A-Z0-9]+)\]", str(error)))
    print(sys.argv[1], name, answer)
PY
python3 invoice.py
seen=$(
  for name in 7.8 5.1 5.1-saxonche; do "$name/bin/python" check.py "$name"; done
  for name in right wrong; do
    7.8/bin/facturx-xmlcheck "$name.xml" >log.txt 2>&1
    echo "facturx-xmlcheck $name ends with $?, $(grep -c 'Skipping schematron check' log.txt) check left out"
  done
)
echo "$seen"
[[ "$seen" == "7.8 right True
7.8 wrong True
5.1 right True
5.1 wrong True
5.1-saxonche right True
5.1-saxonche wrong refused BR-S-08 BR-CO-13
facturx-xmlcheck right ends with 0, 1 check left out
facturx-xmlcheck wrong ends with 0, 1 check left out" ]] || { echo "The behaviour has changed." >&2; exit 1; }
