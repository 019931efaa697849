//! What a function's role allows: the statements of its `Policies`, as far as they speak of the table and of secrets.

use std::fmt;

use super::Error;
use super::yaml::Node;

/// A statement of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it allows, `dynamodb:GetItem`.
    pub actions: Vec<String>,
    /// On what.
    pub resources: Vec<Resource>,
    /// How the keys of the items begin that it allows it for; none for all of them.
    pub keys: Option<Vec<String>>,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The table's items.
    Table,
    /// An index of the table.
    Index(String),
    /// The app's own credentials.
    AppSecret,
    /// Secrets whose names begin with the environment's prefix and this.
    Secrets(String),
}

/// The name it has among [`crate::grants`].
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("all items"),
            Self::Index(name) => write!(f, "index {name}"),
            Self::AppSecret => f.write_str("the app secret"),
            Self::Secrets(begin) => write!(f, "secrets {begin}*"),
        }
    }
}

/// The statements of one function.
pub(super) fn read(properties: &Node<'_>) -> Result<Vec<Statement>, Error> {
    let mut statements = Vec::new();
    let Some(policies) = properties.find("Policies") else { return Ok(statements) };
    for policy in policies.items()? {
        for statement in policy.get("Statement")?.items()? {
            statements.push(statement_of(&statement)?);
        }
    }
    Ok(statements)
}

fn statement_of(node: &Node<'_>) -> Result<Statement, Error> {
    let effect = node.get("Effect")?;
    if effect.text()? != "Allow" {
        return Err(effect.unexpected("only Allow is read here"));
    }
    let keys = node.path(&["Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys"]);
    if keys.is_none() && node.find("Condition").is_some() {
        return Err(node.unexpected("has a condition that is not read here"));
    }
    let actions = one_or_more(&node.get("Action")?)?;
    let resources = one_or_more(&node.get("Resource")?)?;
    Ok(Statement {
        actions: actions.iter().map(|action| action.text().map(str::to_owned)).collect::<Result<_, _>>()?,
        resources: resources.iter().map(resource).collect::<Result<_, _>>()?,
        keys: keys.map(|keys| texts(&keys)).transpose()?,
    })
}

fn resource(node: &Node<'_>) -> Result<Resource, Error> {
    const TABLE: &str = ":table/hsqbo-${Environment}${TableSuffix}";
    const SECRETS: &str = ":secret:hsqbo/${Environment}/";
    let text = node.text()?;
    let unknown = || node.unexpected(format!("“{text}” is neither the table, an index nor a secret"));
    if text == "AppSecret" {
        return Ok(Resource::AppSecret);
    }
    if let Some((_, names)) = text.split_once(SECRETS) {
        return names.strip_suffix('*').map(|begin| Resource::Secrets(begin.to_owned())).ok_or_else(unknown);
    }
    match text.split_once(TABLE).map(|(_, rest)| rest) {
        Some("") => Ok(Resource::Table),
        Some(rest) => {
            rest.strip_prefix("/index/").map(|name| Resource::Index(name.to_owned())).ok_or_else(unknown)
        }
        None => Err(unknown()),
    }
}

fn texts(list: &Node<'_>) -> Result<Vec<String>, Error> {
    list.items()?.iter().map(|item| item.text().map(str::to_owned)).collect()
}

fn one_or_more<'a>(node: &Node<'a>) -> Result<Vec<Node<'a>>, Error> {
    if node.text().is_ok() { Ok(vec![node.clone()]) } else { node.items() }
}
