//! What a vendor's answers mean.

use std::collections::BTreeMap;

use assetmill_core::MediaType;
use assetmill_vendors::{
    Class, Classification, ErrorPlace, JsonPointer, Meter, Place, Rate, ResultPlace, ResultRole,
};

use super::super::error::Diagnostic;
use super::super::value::Value;
use super::input_constraints::media_types;

/// The result of a profile.
pub(super) struct ResultTable {
    pub(super) place: ResultPlace,
    pub(super) role: ResultRole,
    pub(super) produces: Vec<MediaType>,
}

pub(super) fn result(value: &Value<'_>) -> Result<ResultTable, Diagnostic> {
    #[derive(Clone, Copy)]
    enum Kind {
        Body,
        Url,
        Base64,
    }
    let table = value.table(&["kind", "at", "produces", "mask"])?;
    let kind = table.required("kind", "kind = \"body\"")?.choice(&[
        ("body", Kind::Body),
        ("url", Kind::Url),
        ("base64", Kind::Base64),
    ])?;
    let at = || pointer(&table.required("at", "at = \"/data/0/url\"")?);
    let place = match kind {
        Kind::Url => ResultPlace::Url(at()?),
        Kind::Base64 => ResultPlace::Base64(at()?),
        Kind::Body => match table.optional("at") {
            None => ResultPlace::Body,
            Some(at) => {
                return Err(at.diagnostic(format!(
                    "{} has no meaning where the body is the result; leave it out, or make kind \
                     \"url\" or \"base64\"",
                    at.path
                )));
            }
        },
    };
    let mask = table.optional("mask").map(|mask| mask.boolean());
    Ok(ResultTable {
        place,
        role: match mask.transpose()? {
            Some(true) => ResultRole::Mask,
            _ => ResultRole::Product,
        },
        produces: media_types(table.optional("produces"))?,
    })
}

pub(super) fn error(value: Option<Value<'_>>) -> Result<ErrorPlace, Diagnostic> {
    let Some(value) = value else {
        return Ok(ErrorPlace::default());
    };
    let table = value.table(&["message", "code"])?;
    let at = |name| {
        table
            .optional(name)
            .map_or(Ok(Vec::new()), |at| places(&at))
    };
    Ok(ErrorPlace {
        message: at("message")?,
        code: at("code")?,
    })
}

/// One place, or a list of them.
fn places(value: &Value<'_>) -> Result<Vec<Place>, Diagnostic> {
    match value.list() {
        Ok(items) => items.iter().map(place).collect(),
        Err(_) => Ok(vec![place(value)?]),
    }
}

pub(super) fn classify(value: Option<Value<'_>>) -> Result<Classification, Diagnostic> {
    let entries = value.map_or_else(|| Ok(Vec::new()), |value| value.entries())?;
    let classes: Result<BTreeMap<_, _>, _> = entries
        .iter()
        .map(|(key, class)| {
            let class = class.choice(&[
                ("retry", Class::Retry),
                ("final", Class::Final),
                ("account", Class::Account),
                ("moderation", Class::Moderation),
            ])?;
            Ok((key.text.to_owned(), class))
        })
        .collect();
    classes.map(Classification)
}

pub(super) fn meter(value: Option<Value<'_>>) -> Result<Meter, Diagnostic> {
    let Some(value) = value else {
        return Ok(Meter::default());
    };
    let table = value.table(&["cost", "remaining"])?;
    let at = |name| table.optional(name).map(|at| place(&at)).transpose();
    Ok(Meter {
        cost: at("cost")?,
        remaining: at("remaining")?,
    })
}

pub(super) fn rate(value: Option<Value<'_>>) -> Result<Rate, Diagnostic> {
    let Some(value) = value else {
        return Ok(Rate::default());
    };
    let table = value.table(&["limit", "remaining", "reset"])?;
    let at = |name| table.optional(name).map(|at| place(&at)).transpose();
    Ok(Rate {
        limit: at("limit")?,
        remaining: at("remaining")?,
        reset: at("reset")?,
    })
}

fn pointer(value: &Value<'_>) -> Result<JsonPointer, Diagnostic> {
    value.parsed("a JSON pointer, such as \"/errors/0/title\"")
}

pub(super) fn place(value: &Value<'_>) -> Result<Place, Diagnostic> {
    value.parsed("a JSON pointer, such as \"/errors/0/title\", or the name of a header")
}
