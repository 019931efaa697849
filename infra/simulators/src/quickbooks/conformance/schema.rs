//! Intuit's XSD files as types. What this reader does not understand is an error: nothing is checked less than it says.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use roxmltree::{Document, Node};

use super::divergence;
use super::lengths;

/// The namespace of the accounting API; files of other namespaces are not read.
const NAMESPACE: &str = "http://schema.intuit.com/finance/v3";

/// The element in whose place every entity may stand.
const ANY_ENTITY: &str = "IntuitObject";

/// The types of a folder of XSD files, with the known divergences of Intuit's JSON.
#[derive(Debug)]
pub struct Schemas {
    pub(super) types: BTreeMap<String, Type>,
    /// Which type an entity's element has.
    pub(super) entities: BTreeMap<String, String>,
}

/// A named type.
#[derive(Debug)]
pub(super) enum Type {
    /// A text, number, date or the like; with values, one of them.
    Simple { base: String, values: Vec<String> },
    /// An object.
    Object(Object),
}

/// What the members of an object may be.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// The type whose members it has too.
    pub(super) extends: Option<String>,
    /// The type of its `value`, where the XML is text with attributes.
    pub(super) value: Option<String>,
    pub(super) members: Vec<Particle>,
}

/// Members that belong together.
#[derive(Clone, Debug)]
pub(super) enum Particle {
    Field(Field),
    All {
        required: bool,
        of: Vec<Particle>,
    },
    OneOf {
        required: bool,
        of: Vec<Particle>,
    },
    /// Whatever one likes.
    Anything,
}

/// One member.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    /// The name of its type.
    pub(super) of: String,
    pub(super) required: bool,
    pub(super) many: bool,
    /// In characters.
    pub(super) longest: Option<usize>,
}

impl Schemas {
    /// Reads all `*.xsd` files of a folder that are of the accounting API's namespace.
    ///
    /// # Errors
    /// A file cannot be read or is no XSD, uses what this reader does not know, or names a type that is nowhere.
    pub fn read(folder: &Path) -> io::Result<Schemas> {
        let mut texts = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "xsd") {
                texts.push(fs::read_to_string(path)?);
            }
        }
        Schemas::parse(&texts).map_err(|problem| io::Error::new(io::ErrorKind::InvalidData, problem))
    }

    /// The same from texts.
    pub(super) fn parse(texts: &[String]) -> Result<Schemas, String> {
        let texts = texts.iter().map(|text| text.trim_start_matches('\u{feff}'));
        let documents: Vec<_> =
            texts.map(Document::parse).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let roots: Vec<_> = documents
            .iter()
            .map(Document::root_element)
            .filter(|root| root.attribute("targetNamespace") == Some(NAMESPACE))
            .collect();
        let mut reader = Reader::default();
        roots.iter().try_for_each(|root| reader.find_shared(*root))?;
        let mut types = BTreeMap::new();
        for definition in roots.iter().flat_map(|root| children(*root)) {
            if let Some(named) = reader.named_type(definition)? {
                types.insert(named.0, named.1);
            }
        }
        divergence::apply(&mut types);
        let schemas = Schemas { types, entities: reader.entities };
        schemas.check_names()?;
        Ok(schemas)
    }

    fn check_names(&self) -> Result<(), String> {
        let known = |name: &String| name.starts_with("xs:") || self.types.contains_key(name);
        let mut names: Vec<_> = self.entities.values().collect();
        for defined in self.types.values() {
            match defined {
                Type::Simple { base, .. } => names.push(base),
                Type::Object(object) => {
                    names.extend(object.extends.iter().chain(&object.value));
                    names.extend(object.members.iter().flat_map(Particle::fields).map(|field| &field.of));
                }
            }
        }
        match names.into_iter().find(|name| !known(name)) {
            Some(unknown) => Err(format!("no schema defines the type {unknown}")),
            None => Ok(()),
        }
    }
}

impl Particle {
    /// All fields in it, however deep.
    pub(super) fn fields(&self) -> Vec<&Field> {
        match self {
            Particle::Field(field) => vec![field],
            Particle::All { of, .. } | Particle::OneOf { of, .. } => {
                of.iter().flat_map(Particle::fields).collect()
            }
            Particle::Anything => Vec::new(),
        }
    }
}

/// What definitions refer to.
#[derive(Default)]
struct Reader {
    entities: BTreeMap<String, String>,
    groups: BTreeMap<String, Vec<Particle>>,
}

impl Reader {
    /// Entities and groups of a file.
    fn find_shared(&mut self, root: Node<'_, '_>) -> Result<(), String> {
        for definition in children(root) {
            if definition.attribute("substitutionGroup") == Some(ANY_ENTITY) {
                self.entities.insert(needed(definition, "name")?, needed(definition, "type")?);
            }
            if definition.has_tag_name((XSD, "group")) {
                let members = self.particles(definition)?;
                self.groups.insert(needed(definition, "name")?, members);
            }
        }
        Ok(())
    }

    fn named_type(&self, definition: Node<'_, '_>) -> Result<Option<(String, Type)>, String> {
        let read = match definition.tag_name().name() {
            "complexType" => Type::Object(self.object(definition)?),
            "simpleType" => simple(definition)?,
            "element" | "group" | "include" => return Ok(None),
            _ => return Err(unknown(definition)),
        };
        Ok(Some((needed(definition, "name")?, read)))
    }

    fn object(&self, definition: Node<'_, '_>) -> Result<Object, String> {
        let mut object = Object::default();
        for part in children(definition) {
            match part.tag_name().name() {
                "complexContent" => {
                    let extension = only_extension(part)?;
                    object.extends = Some(needed(extension, "base")?);
                    object.members.extend(self.particles(extension)?);
                }
                "simpleContent" => {
                    let extension = only_extension(part)?;
                    object.value = Some(needed(extension, "base")?);
                    object.members.extend(self.particles(extension)?);
                }
                _ => object.members.push(self.particle(part)?),
            }
        }
        Ok(object)
    }

    fn particles(&self, parent: Node<'_, '_>) -> Result<Vec<Particle>, String> {
        children(parent).map(|part| self.particle(part)).collect()
    }

    fn particle(&self, part: Node<'_, '_>) -> Result<Particle, String> {
        let required = part.attribute("minOccurs") != Some("0");
        let particle = match (part.tag_name().name(), part.attribute("ref")) {
            ("element", None) => Particle::Field(field(part, required)?),
            ("element", Some(ANY_ENTITY)) => Particle::OneOf { required, of: self.any_entity(part) },
            ("group", Some(name)) => {
                let of =
                    self.groups.get(name).ok_or_else(|| format!("no schema defines the group {name}"))?;
                Particle::All { required, of: of.clone() }
            }
            ("attribute", None) => Particle::Field(field(part, part.attribute("use") == Some("required"))?),
            ("sequence", None) => Particle::All { required, of: self.particles(part)? },
            ("choice", None) => Particle::OneOf { required, of: self.particles(part)? },
            ("any", None) => Particle::Anything,
            _ => return Err(unknown(part)),
        };
        Ok(particle)
    }

    fn any_entity(&self, part: Node<'_, '_>) -> Vec<Particle> {
        let entities = self.entities.iter().map(|(name, of)| Field {
            name: name.clone(),
            of: of.clone(),
            required: true,
            many: is_many(part),
            longest: None,
        });
        entities.map(Particle::Field).collect()
    }
}

const XSD: &str = "http://www.w3.org/2001/XMLSchema";

/// The elements in a node, annotations left out.
fn children<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(|child| child.is_element() && !child.has_tag_name((XSD, "annotation")))
}

fn field(part: Node<'_, '_>, required: bool) -> Result<Field, String> {
    if let Some(inner) = children(part).next() {
        return Err(unknown(inner));
    }
    Ok(Field {
        name: needed(part, "name")?,
        of: part.attribute("type").unwrap_or("xs:anyType").to_owned(),
        required,
        many: is_many(part),
        longest: lengths::longest(&prose(part)),
    })
}

fn is_many(part: Node<'_, '_>) -> bool {
    part.attribute("maxOccurs").is_some_and(|most| most != "1")
}

/// What the annotations of a definition say.
fn prose(part: Node<'_, '_>) -> String {
    let annotations = part.children().filter(|child| child.has_tag_name((XSD, "annotation")));
    let texts = annotations
        .flat_map(|annotation| annotation.descendants())
        .filter_map(|node| if node.is_text() { node.text() } else { None });
    texts.collect()
}

fn simple(definition: Node<'_, '_>) -> Result<Type, String> {
    let restriction = only(definition, "restriction")?;
    let values = children(restriction).map(|facet| match facet.tag_name().name() {
        "enumeration" => needed(facet, "value"),
        _ => Err(unknown(facet)),
    });
    Ok(Type::Simple { base: needed(restriction, "base")?, values: values.collect::<Result<_, _>>()? })
}

fn only_extension<'a, 'input>(part: Node<'a, 'input>) -> Result<Node<'a, 'input>, String> {
    only(part, "extension")
}

fn only<'a, 'input>(part: Node<'a, 'input>, name: &str) -> Result<Node<'a, 'input>, String> {
    children(part).next().filter(|child| child.has_tag_name((XSD, name))).ok_or_else(|| unknown(part))
}

fn needed(node: Node<'_, '_>, attribute: &str) -> Result<String, String> {
    let value = node.attribute(attribute).map(str::to_owned);
    value.ok_or_else(|| format!("{} without {attribute}", node.tag_name().name()))
}

fn unknown(node: Node<'_, '_>) -> String {
    let within = node.ancestors().find_map(|node| node.attribute("name")).unwrap_or("the schema");
    format!("{} in {within} is not understood", node.tag_name().name())
}
