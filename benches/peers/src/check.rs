//! Correctness before speed: every peer must return the same result as Clade, for every target, in every form.

use crate::Result;
use crate::answer::Answer;
use crate::peer::{Form, Peer};
use crate::questions::{Asks, Question};

/// Runs a read query on every peer and compares the results; returns Clade's first result, for its size.
pub(crate) fn check_read(peers: &mut [Box<dyn Peer>], question: &Question) -> Result<Answer> {
    let mut expected: Option<Vec<Answer>> = None;
    for peer in peers {
        for form in peer.forms(question) {
            let actual = answers(&mut **peer, question, form)?;
            match &expected {
                None => expected = Some(actual),
                Some(expected) => compare(&**peer, question, form, expected, &actual)?,
            }
        }
    }
    let expected = expected.unwrap_or_default();
    if !matches!(question.asks, Asks::Nothing) && expected.iter().all(Answer::is_empty) {
        return Err(format!("{}: the result is empty, so comparing it proves nothing", question.title).into());
    }
    expected.into_iter().next().ok_or_else(|| "there are no peers".into())
}

/// Applies a change on every peer and undoes it, and compares the results of `probes` before, between and afterwards.
pub(crate) fn check_write(
    peers: &mut [Box<dyn Peer>],
    question: &Question,
    probes: &[Question],
) -> Result<()> {
    let mut expected: Option<[Vec<Answer>; 2]> = None;
    for peer in peers {
        for form in peer.forms(question) {
            let peer = &mut **peer;
            let before = probe(peer, probes, form)?;
            peer.ask(question, form)?()?;
            let after = probe(peer, probes, form)?;
            match reversed(question) {
                Some(back) => {
                    peer.ask(&back, form)?()?;
                }
                None => peer.undo()?,
            }
            let undone = probe(peer, probes, form)?;
            compare(peer, question, form, &before, &undone)?;
            if before == after {
                return Err(format!("{}: {} changed nothing", question.title, peer.name()).into());
            }
            match &expected {
                None => expected = Some([before, after]),
                Some([expected_before, expected_after]) => {
                    compare(peer, question, form, expected_before, &before)?;
                    compare(peer, question, form, expected_after, &after)?;
                }
            }
        }
    }
    Ok(())
}

/// The results of a query for each target, in turn.
fn answers(peer: &mut dyn Peer, question: &Question, form: Form) -> Result<Vec<Answer>> {
    let mut ask = peer.ask(question, form)?;
    let answers = (0..question.asks.targets()).map(|_| ask()).collect::<Result<Vec<_>>>()?;
    drop(ask);
    Ok(answers.into_iter().map(|answer| peer.normalized(answer)).collect())
}

fn probe(peer: &mut dyn Peer, probes: &[Question], form: Form) -> Result<Vec<Answer>> {
    let mut results = Vec::new();
    for probe in probes {
        let forms = peer.forms(probe);
        let form = if forms.contains(&form) { form } else { forms[0] };
        results.extend(answers(peer, probe, form)?);
    }
    Ok(results)
}

/// The query that undoes a change; `None` if only [`Peer::undo`] can.
fn reversed(question: &Question) -> Option<Question> {
    match question.asks {
        Asks::Move { unit, from, to } => {
            Some(Question { asks: Asks::Move { unit, from: to, to: from }, ..question.clone() })
        }
        _ => None,
    }
}

fn compare(
    peer: &dyn Peer,
    question: &Question,
    form: Form,
    expected: &[Answer],
    actual: &[Answer],
) -> Result<()> {
    let differs = expected.iter().zip(actual).position(|(expected, actual)| expected != actual);
    match differs {
        None if expected.len() == actual.len() => Ok(()),
        None => {
            Err(format!("{}: {} returns a different number of results", question.title, peer.name()).into())
        }
        Some(at) => Err(format!(
            "{} (target {at}): {} {} returns\n  {}\nexpected\n  {}",
            question.title,
            peer.name(),
            peer.form_name(form),
            actual[at].excerpt(),
            expected[at].excerpt(),
        )
        .into()),
    }
}
