//! Answers before times: everyone must say the same as Clade, to every target, in every form.

use crate::Result;
use crate::answer::Answer;
use crate::peer::{Form, Peer};
use crate::questions::{Asks, Question};

/// Asks a question of everyone; gives Clade's first answer, for its size.
pub(crate) fn check_read(peers: &mut [Box<dyn Peer>], question: &Question) -> Result<Answer> {
    let mut expected: Option<Vec<Answer>> = None;
    for peer in peers {
        for form in peer.forms(question) {
            let told = answers(&mut **peer, question, form)?;
            match &expected {
                None => expected = Some(told),
                Some(expected) => compare(&**peer, question, form, expected, &told)?,
            }
        }
    }
    let expected = expected.unwrap_or_default();
    if !matches!(question.asks, Asks::Nothing) && expected.iter().all(Answer::is_empty) {
        return Err(format!("{}: the answer is empty, which shows nothing", question.title).into());
    }
    expected.into_iter().next().ok_or_else(|| "nobody was asked".into())
}

/// Has everyone make a change and take it back, and asks `probes` before, between and afterwards.
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

/// The answers to each target of a question, in turn.
fn answers(peer: &mut dyn Peer, question: &Question, form: Form) -> Result<Vec<Answer>> {
    let mut ask = peer.ask(question, form)?;
    let answers = (0..question.asks.targets()).map(|_| ask()).collect::<Result<Vec<_>>>()?;
    drop(ask);
    Ok(answers.into_iter().map(|answer| peer.told(answer)).collect())
}

fn probe(peer: &mut dyn Peer, probes: &[Question], form: Form) -> Result<Vec<Answer>> {
    let mut told = Vec::new();
    for probe in probes {
        let forms = peer.forms(probe);
        let form = if forms.contains(&form) { form } else { forms[0] };
        told.extend(answers(peer, probe, form)?);
    }
    Ok(told)
}

/// The change that takes back a change, where that is one of the questions.
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
    told: &[Answer],
) -> Result<()> {
    let differs = expected.iter().zip(told).position(|(expected, told)| expected != told);
    match differs {
        None if expected.len() == told.len() => Ok(()),
        None => Err(format!("{}: {} gives another number of answers", question.title, peer.name()).into()),
        Some(at) => Err(format!(
            "{} (target {at}): {} {} says\n  {}\nbut it should be\n  {}",
            question.title,
            peer.name(),
            peer.form_name(form),
            told[at].shown(),
            expected[at].shown(),
        )
        .into()),
    }
}
