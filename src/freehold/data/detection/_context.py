"""What the words near a hit say about it, in English, Spanish, German, French, Italian and Polish.

A window ends with its line. The nearest word that says anything decides whether the rest is
believed: in *card 12, order 4111…* the number is an order's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from freehold.data.detection._limits import DetectionLimits


class Topic:
    """What a word near a hit speaks of, in bits; plain numbers, asked for at every hit."""

    PHONE: Final = 1
    CARD: Final = 2
    SSN: Final = 4
    NATIONAL: Final = 8
    HEALTH: Final = 16
    BIRTH: Final = 32
    DRIVING: Final = 64
    PASSPORT: Final = 128
    TAX: Final = 256
    WALLET: Final = 512
    OTHER: Final = 1024  # an order, a version, a part: not a person's number


_WORDS: Mapping[int, str] = MappingProxyType(
    {
        Topic.PHONE: """
            phone phones telephone tel telf telfs tfno tlf tlfno tfn tfnos mobile cell cellphone
            call called calling dial ring reach fax sms text whatsapp voicemail answering messages
            contact registered office extension ext hotline landline
            teléfono telefono teléfonos telefonos móvil movil llamar llame llámame celular contacto
            telefon telefonnummer handy handynummer mobil mobilnummer rufnummer anrufen ruf fon
            durchwahl téléphone telephonique portable appeler appelez joindre numéro
            cellulare chiamare chiama chiami recapito
            komórka komórkowy komórkowego zadzwoń zadzwonić dzwonić faks kontakt""",
        Topic.CARD: """
            card cards credit debit cc visa mastercard amex maestro discover diners jcb cvv cvc pan
            tarjeta crédito credito débito kreditkarte kreditkartennummer karte kartennummer
            carte bancaire bleue carta karta karty kartę kredytowa kredytowej""",
        Topic.SSN: "ssn ssns itin social security taxpayer",
        Topic.NATIONAL: """
            dni nie nif national identity identidad documento nass afiliación ss seguridad nuss
            pesel dowód ewidencyjny nir insee sécurité sociale codice fiscale nino ni insurance
            steuerid personalausweis""",
        Topic.TAX: """
            tax tin vat nip steuer steuernummer idnr identifikationsnummer
            steueridentifikationsnummer fiscal fiscale podatkowy podatkowej regon impôts""",
        Topic.HEALTH: "nhs patient health medical hospital mrn nhc paciente patientin santé",
        Topic.BIRTH: """
            born birth dob birthday birthdate nacimiento nacido nacida nació geboren geburtsdatum
            geburtstag geb naissance né née nascita nato nata urodzenia urodzony urodzona ur""",
        Topic.DRIVING: """
            driver drivers driving licence license permis conduire führerschein conducir patente
            guida prawo jazdy""",
        Topic.PASSPORT: "passport pasaporte reisepass passeport passaporto paszport paszportu",
        Topic.WALLET: "bitcoin btc ethereum eth wallet crypto monedero portefeuille portfel",
        Topic.OTHER: """
            order orders invoice ref reference tracking parcel shipment sku part serial isbn issn
            version build ticket case batch lot model item article product quantity total sum
            barcode ean gtin upc commit hash checksum sha md5 uuid row line page volume
            pedido factura referencia versión serie lote envío seguimiento modelo artículo
            bestellung bestellnummer auftrag rechnung rechnungsnummer sendung artikel version
            seriennummer commande facture suivi référence colis ordine fattura riferimento
            spedizione zamówienie zamówienia faktura faktury przesyłka paczka""",
    }
)
WORDS: Mapping[bytes, int] = {
    word.encode(): sum({topic for topic, told in _WORDS.items() if word in told.split()})
    for words in _WORDS.values()
    for word in words.split()
}
OTHER = Topic.OTHER
_TELLS = WORDS.get
_TABLE = bytes(  # a to z and bytes of UTF-8 as they are, A to Z lower, line ends, and blanks
    n if 97 <= n <= 122 or n >= 128 else n + 32 if 65 <= n <= 90 else 10 if n in b"\n\x1e" else 32
    for n in range(256)
)


def words_only(data: bytes) -> bytes:
    """Give the text byte for byte, with nothing left but words in lower case and line ends."""
    return data.translate(_TABLE)


def topics(words: bytes, start: int, end: int, limits: DetectionLimits) -> int:
    """Tell the topics of the words around `words[start:end]`, as bits of `Topic`.

    Args:
        words: what `words_only` gave.
        start: where the hit starts.
        end: where it ends.
        limits: how far to look.
    """
    first = start - limits.before_bytes
    before = words[first if first > 0 else 0 : start].rpartition(b"\n")[2].split()
    said = [told for word in before if (told := _TELLS(word))]
    if said:
        found = 0
        for told in said:
            found |= told
        return found if said[-1] & OTHER else found & ~OTHER
    after = words[end : end + limits.after_bytes].partition(b"\n")[0].split(None, 1)
    return _TELLS(after[0], 0) if after else 0
