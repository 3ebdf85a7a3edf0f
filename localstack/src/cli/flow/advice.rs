//! What an error means for whoever sent the asset.

use assetmill_core::FailureCode;

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Advice {
    /// In a sentence.
    pub(super) text: &'static str,
    /// Whether the asset can be run again as it is: one whose URL was refused can't.
    pub(super) can_run_again: bool,
}

/// For a code; `None` for one that a newer Assetmill knows.
pub(super) fn advice(code: &str) -> Option<Advice> {
    let code: FailureCode = code.parse().ok()?;
    let can_run_again = !matches!(
        code,
        FailureCode::UnsupportedScheme | FailureCode::CredentialsInUrl | FailureCode::UrlTooLong
    );
    Some(Advice {
        text: text(code),
        can_run_again,
    })
}

fn text(code: FailureCode) -> &'static str {
    use FailureCode as F;
    match code {
        F::UnsupportedScheme | F::CredentialsInUrl | F::UrlTooLong => {
            "Such URLs are not fetched. Send the asset under another one, in a new batch."
        }
        F::SourceRefused => {
            "The URL leads to an address that is not fetched from. The operator may allow it (--fetch-allow)."
        }
        F::SourceNotFound => "The asset is not there any more, or never was. Check the URL.",
        F::SourceDenied => {
            "The host does not hand the asset out to everybody. Use a URL that needs no login, such as a presigned one, or \
             upload the asset."
        }
        F::SourceRejected => "The host does not answer such requests. Open the URL to see why.",
        F::SourceUnavailable | F::SourceTimeout | F::SourceIncomplete => {
            "The host of the asset is out of order or too slow. It was asked several times; later it may answer."
        }
        F::SourceThrottled => {
            "The host of the asset has enough requests for now. Later it may answer."
        }
        F::SourceBadRedirect => {
            "The URL redirects too often or to nowhere. Use the one that it should lead to."
        }
        F::AssetEmpty => "There is a file without a byte in it. Check where it comes from.",
        F::AssetTooLarge | F::TooManyPixels | F::TooExpensive | F::OperationTooExpensive => {
            "The asset is larger than the operator lets one be. Send a smaller one, or ask for a higher limit."
        }
        F::UnsupportedMediaType => {
            "The operation does not take files of this type. `assetmill operations` lists what does."
        }
        F::CorruptAsset => {
            "The file is damaged. Check it with another program, and send a whole one."
        }
        F::BudgetNotMet => "The result can't be made so small. Allow more bytes, or fewer pixels.",
        F::VendorRejected | F::VendorModerated => {
            "The vendor does not take this asset, or not with these parameters. Its message says why."
        }
        F::VendorDenied => {
            "The vendor refuses the operator's account: its key, plan or credit. The operator has to mend that."
        }
        F::VendorUnavailable | F::VendorTimeout | F::VendorThrottled => {
            "The vendor is out of order or too busy. It was asked several times; later it may answer."
        }
        F::VendorUnconfirmed => {
            "A paid call was broken off, and nobody knows whether it was charged: look at the vendor's bill. To run the asset \
             again may cost again."
        }
        F::VendorResponseInvalid => {
            "The vendor answers otherwise than the catalogue says. The operator has to look at it: `assetmill operation try`."
        }
        F::OperationUnavailable => {
            "The operation is not in the catalogue any more, or lacks a secret. `assetmill doctor` says which."
        }
        F::OperationCrashed | F::WorkerCrashed => {
            "Assetmill could not cope with this asset. Its operator's log says where; please report it with the asset."
        }
        F::OperationTimeout => {
            "The asset takes too long, or the machine is too busy. Later it may work."
        }
        F::GaveUpWaiting => "It waited as long as flows may. Later the other side may have time.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_advice_and_others_have_none() {
        for code in FailureCode::ALL {
            assert!(advice(code.as_str()).is_some_and(|it| it.text.ends_with('.')));
        }
        assert_eq!(advice("of_a_newer_version"), None);
    }
}
