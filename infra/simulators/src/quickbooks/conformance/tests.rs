//! The checker on small schemas of our own, and Intuit's schemas on what Intuit recorded and on what this stand-in makes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::divergence::DIVERGENCES;
use super::schema::Type;
use super::{BESIDE, Schemas, beside_the_checkout, say};

/// Documents with lines, a reference, a choice and an entity, in the way Intuit writes its schemas.
const SMALL: &str = r#"<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://schema.intuit.com/finance/v3">
  <xs:element name="Bill" type="Bill" substitutionGroup="IntuitObject"/>
  <xs:simpleType name="id"><xs:restriction base="xs:string"/></xs:simpleType>
  <xs:simpleType name="Colour"><xs:restriction base="xs:string">
    <xs:enumeration value="Red"/><xs:enumeration value="Blue"/></xs:restriction></xs:simpleType>
  <xs:complexType name="Ref"><xs:simpleContent><xs:extension base="id">
    <xs:attribute name="name" type="xs:string" use="optional"/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:complexType name="Entity" abstract="true">
    <xs:sequence><xs:element name="Id" type="id" minOccurs="0"/></xs:sequence>
    <xs:attribute name="sparse" type="xs:boolean" use="optional"/></xs:complexType>
  <xs:complexType name="Row"><xs:sequence>
    <xs:element name="Amount" type="xs:decimal"/>
    <xs:element name="Number" type="xs:positiveInteger" minOccurs="0"/>
    <xs:choice minOccurs="0"><xs:element name="Item" type="Ref"/><xs:element name="Account" type="Ref"/></xs:choice>
    <xs:element name="Extra" type="Open" minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:complexType name="Open"><xs:sequence><xs:any minOccurs="0"/></xs:sequence></xs:complexType>
  <xs:complexType name="Bill"><xs:complexContent><xs:extension base="Entity"><xs:sequence>
    <xs:element name="Day" type="xs:date" minOccurs="0"/>
    <xs:element name="Made" type="xs:dateTime" minOccurs="0"/>
    <xs:element name="Colour" type="Colour" minOccurs="0"/>
    <xs:element name="Note" type="xs:string" minOccurs="0"><xs:annotation>
      <xs:documentation>Product: QBO Description: A note. Max. length: 5 characters.</xs:documentation></xs:annotation></xs:element>
    <xs:element name="Row" type="Row" maxOccurs="unbounded"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="Answer"><xs:sequence><xs:element ref="IntuitObject"/></xs:sequence></xs:complexType>
</xs:schema>"#;

fn small() -> Schemas {
    Schemas::parse(&[SMALL.to_owned()]).unwrap()
}

fn bill() -> Value {
    json!({"Id": "1", "sparse": false, "Day": "2026-03-02", "Made": "2026-03-02T09:15:30-08:00", "Colour": "Red",
        "Note": "Hello", "Row": [{"Amount": 1.5, "Number": 1, "Item": {"value": "5", "name": "Widget"}, "Extra": {"any": [1]}}]})
}

/// What is found in a bill in which one member is another; null takes it away.
fn found_with(member: &str, value: Value) -> Vec<String> {
    let mut bill = bill();
    let place = bill.pointer_mut(member).map(Value::take).map(|_| ()).and_then(|()| bill.pointer_mut(member));
    match place {
        Some(place) => *place = value,
        None => {
            let (parent, name) = member.rsplit_once('/').unwrap();
            bill.pointer_mut(parent).unwrap()[name] = value;
        }
    }
    let (parent, name) = member.rsplit_once('/').unwrap();
    if bill.pointer(member) == Some(&Value::Null) {
        bill.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    }
    let findings = small().check("Answer", &json!({"Bill": bill}));
    findings.into_iter().map(|finding| format!("{}: {}", finding.at, finding.rule)).collect()
}

#[test]
fn a_body_that_is_as_the_schema_says_passes() {
    assert_eq!(small().check("Answer", &json!({"Bill": bill()})), []);
    assert_eq!(small().check("Bill", &json!({"Row": [{"Amount": 0}]})), []);
}

#[test]
fn everything_the_schema_does_not_allow_is_found_where_it_stands() {
    let cases = [
        ("/Colr", json!("Red"), "Bill.Colr: is no member of Bill"),
        ("/Row/0/Tint", json!(1), "Bill.Row[0].Tint: is no member of Row"),
        ("/Colour", json!("Green"), "Bill.Colour: \"Green\" is none of Colour"),
        ("/Note", json!("Hello!"), "Bill.Note: has 6 characters, at most 5"),
        ("/Note", json!(5), "Bill.Note: 5 is no xs:string"),
        ("/Id", json!(1), "Bill.Id: 1 is no xs:string"),
        ("/sparse", json!("false"), "Bill.sparse: \"false\" is no xs:boolean"),
        ("/Day", json!("2026-02-30"), "Bill.Day: \"2026-02-30\" is no xs:date"),
        ("/Made", json!("2026-03-02"), "Bill.Made: \"2026-03-02\" is no xs:dateTime"),
        ("/Row/0/Amount", json!("1.5"), "Bill.Row[0].Amount: \"1.5\" is no xs:decimal"),
        ("/Row/0/Number", json!(0), "Bill.Row[0].Number: 0 is no xs:positiveInteger"),
        ("/Row/0/Amount", json!(null), "Bill.Row[0].Amount: is missing"),
        ("/Row", json!(null), "Bill.Row: is missing"),
        ("/Row", json!([]), "Bill.Row: is empty"),
        ("/Row", json!({"Amount": 1}), "Bill.Row: is not a list"),
        ("/Row/0/Item", json!({"name": "Widget"}), "Bill.Row[0].Item.value: is missing"),
        ("/Row/0/Item", json!("5"), "Bill.Row[0].Item: is not an object of type Ref"),
        ("/Row/0/Account", json!({"value": "1"}), "Bill.Row[0]: has more than one of Item, Account"),
    ];
    for (member, value, expected) in cases {
        assert_eq!(found_with(member, value), [expected]);
    }
    let exponent = serde_json::from_str("1e2").unwrap();
    assert_eq!(found_with("/Row/0/Amount", exponent).len(), 1);
    assert_eq!(small().check("Answer", &json!({"Bills": {}})).len(), 2, "unknown, and none there");
}

#[test]
fn a_schema_with_something_unknown_in_it_is_refused() {
    let facet = SMALL.replace("<xs:enumeration value=\"Red\"/>", "<xs:pattern value=\"R.*\"/>");
    assert_eq!(Schemas::parse(&[facet]).unwrap_err(), "pattern in Colour is not understood");
    let typo = SMALL.replace("type=\"Open\"", "type=\"Closed\"");
    assert_eq!(Schemas::parse(&[typo]).unwrap_err(), "no schema defines the type Closed");
}

/// Intuit's schemas, or a visible word that they are not there.
fn intuits(test: &str) -> Option<std::sync::Arc<Schemas>> {
    let schemas = beside_the_checkout().unwrap();
    if schemas.is_none() {
        say(&format!("skipped: {test}: {BESIDE} is not there, so no body is held against Intuit's XSDs"));
    }
    schemas
}

#[test]
fn each_known_divergence_is_about_something_in_intuits_schemas() {
    let Some(schemas) = intuits("each_known_divergence") else { return };
    for divergence in DIVERGENCES {
        let Some(Type::Object(object)) = schemas.types.get(divergence.of) else {
            panic!("no type {}", divergence.of)
        };
        let mut fields = object.members.iter().flat_map(|particle| particle.fields());
        assert!(
            fields.any(|field| field.name == divergence.member),
            "{}.{}",
            divergence.of,
            divergence.member
        );
    }
}

#[test]
fn what_intuit_answered_when_it_was_recorded_conforms() {
    let Some(schemas) = intuits("what_intuit_answered") else { return };
    let bodies = recorded_bodies();
    assert!(bodies.len() > 30, "{} bodies", bodies.len());
    let mut findings = Vec::new();
    for (name, body) in &bodies {
        let found = schemas.check("IntuitResponse", body).into_iter();
        findings.extend(found.map(|finding| format!("{name} {}: {}", finding.at, finding.rule)));
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// What the service itself answered in JSON, by file.
fn recorded_bodies() -> Vec<(String, Value)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(BESIDE).join("..");
    let folders = ["qbo_api-recordings", "exquickbooks"].map(|name| fs::read_dir(data.join(name)).unwrap());
    let files = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
    let answers = files.map(|path| {
        let mut file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let recording = file.pointer_mut("/response/body").map(Value::take);
        (path.file_name().unwrap().display().to_string(), recording.unwrap_or(file))
    });
    answers.filter(|(_, body)| body.is_object() && body.get("fault").is_none()).collect()
}
